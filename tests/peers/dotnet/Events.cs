// What a peer tells the test: one JSON object a line.
using System.Text.Json.Nodes;

static class Events
{
    static readonly Lock oneAtATime = new();

    public static void Tell(string on, string what, JsonObject? facts = null)
    {
        JsonObject told = facts ?? [];
        told["on"] = on;
        told["event"] = what;
        lock (oneAtATime)
        {
            Console.Out.WriteLine(told.ToJsonString());
            Console.Out.Flush();
        }
    }
}
