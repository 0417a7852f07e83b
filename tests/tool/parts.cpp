// The tool's parts that are tested without starting it. They are no library: this is their only
// copy in the tests' program.
#include "tool/exit_code.cpp"
#include "tool/input_lines.cpp"
#include "tool/show.cpp"
