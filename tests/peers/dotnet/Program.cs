// .NET's System.Net.WebSockets as a peer: commands on stdin, events on stdout (see ../COMMANDS.md).
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

Dictionary<string, Connection> connections = [];
Events.Tell("", "ready", new() { ["version"] = RuntimeInformation.FrameworkDescription });

while (await Console.In.ReadLineAsync() is { } line)
{
    JsonNode command = JsonNode.Parse(line)!;
    string on = (string)command["on"]!;
    if (!connections.TryGetValue(on, out Connection? connection))
    {
        connections[on] = connection = new Connection(on, command);
    }
    _ = Attempt(on, () => connection.Do(command));
}

static async Task Attempt(string on, Func<Task> work)
{
    try
    {
        await work();
    }
    catch (Exception error)
    {
        Events.Tell(on, "failed", new() { ["what"] = $"{error.GetType().Name}: {error.Message}" });
    }
}
