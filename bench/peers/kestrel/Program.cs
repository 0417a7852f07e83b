// .NET's Kestrel: echo, piece by piece as System.Net.WebSockets delivers them. One buffer of 64 KiB a
// connection, no logging, TCP_NODELAY (Kestrel's default), no compression. --tls CERT --key KEY;
// --idle: Pings after 20 s; SIGUSR1 closes all with 1001.
using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server.Features;

string? Value(string name)
{
    int at = Array.IndexOf(args, name);
    return at < 0 ? null : args[at + 1];
}

ConcurrentDictionary<WebSocket, bool> open = [];
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(options =>
    options.Listen(IPAddress.Loopback, 0, listen =>
    {
        if (Value("--tls") is { } certificate)
        {
            listen.UseHttps(X509Certificate2.CreateFromPemFile(certificate, Value("--key")));
        }
    }));
builder.WebHost.UseKestrelHttpsConfiguration();
WebApplication app = builder.Build();
app.UseWebSockets(new()
{
    KeepAliveInterval = args.Contains("--idle") ? TimeSpan.FromSeconds(20) : TimeSpan.Zero,
});
app.Run(async context =>
{
    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    open[socket] = true;
    try
    {
        await Echo(socket);
    }
    catch (WebSocketException)
    {
        // the load generator has gone
    }
    open.TryRemove(socket, out _);
});
using var onSignal = PosixSignalRegistration.Create((PosixSignal)10, signal =>
{
    signal.Cancel = true;
    foreach (WebSocket socket in open.Keys)
    {
        _ = socket.CloseOutputAsync((WebSocketCloseStatus)1001, null, default);
    }
});
await app.StartAsync();
Console.WriteLine($"listening {new Uri(app.Urls.First()).Port}");
await app.WaitForShutdownAsync();

static async Task Echo(WebSocket socket)
{
    byte[] buffer = new byte[64 * 1024];
    while (true)
    {
        ValueWebSocketReceiveResult got = await socket.ReceiveAsync(buffer.AsMemory(), default);
        if (got.MessageType == WebSocketMessageType.Close)
        {
            if (socket.State == WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(socket.CloseStatus!.Value, null, default);
            }
            return;
        }
        await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, default);
    }
}
