// The opening handshake: ClientWebSocket against a server of raw bytes, and HttpListener against a
// client of raw bytes.
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

sealed class Handshakes
{
    Task<string> accepting = Task.FromResult("never listened");
    HttpListener? listener;

    // connect URL [SUBPROTOCOL…]
    public static string Connect(string[] words)
    {
        using ClientWebSocket client = new();
        foreach (string name in words[2..]) client.Options.AddSubProtocol(name);
        try
        {
            client.ConnectAsync(new Uri(words[1]), default).Wait();
            string told = $"ok {client.SubProtocol ?? "-"}";
            client.Abort();
            return told;
        }
        catch (AggregateException error)
        {
            return $"{Names.Error(error.InnerException!)} -";
        }
    }

    // listen [SUBPROTOCOL]: HttpListener can't take a port of the kernel's choice, so it is asked before.
    public string Listen(string[] words)
    {
        using TcpListener asked = new(IPAddress.Loopback, 0);
        asked.Start();
        int port = ((IPEndPoint)asked.LocalEndpoint).Port;
        asked.Stop();
        listener = new();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        accepting = Accept(listener, words.Length > 1 ? words[1] : null);
        return $"{port}";
    }

    static async Task<string> Accept(HttpListener listener, string? protocol)
    {
        try
        {
            HttpListenerContext context = await listener.GetContextAsync();
            try
            {
                if (!context.Request.IsWebSocketRequest) throw new WebSocketException(WebSocketError.NotAWebSocket);
                HttpListenerWebSocketContext accepted = await context.AcceptWebSocketAsync(protocol);
                return $"ok {accepted.WebSocket.SubProtocol ?? "-"}";
            }
            catch (Exception error)
            {
                context.Response.StatusCode = 400;
                context.Response.Close();
                return Names.Error(error);
            }
        }
        catch (ObjectDisposedException)
        {
            return "never asked";
        }
    }

    // The listener goes, and with it a request that never became one.
    public string Accepted()
    {
        if (!accepting.Wait(100)) listener?.Close();
        string told = accepting.Result;
        listener?.Abort();
        return told;
    }
}
