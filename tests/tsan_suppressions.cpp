// What ThreadSanitizer can't see, linked into every test under it. Asio counts the owners of a
// type-erased executor with a release decrement and an acquire fence; GCC's ThreadSanitizer does
// not follow fences, and calls the last owner's delete a race.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:boost::asio::execution::detail::shared_target_executor\n";
}
