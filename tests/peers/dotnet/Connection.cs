// One WebSocket of .NET's, in any of its four kinds: a loop that receives, and what it can be told.
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

sealed class Connection(string on, JsonNode how)
{
    readonly bool echo = (bool?)how["echo"] ?? false;
    readonly bool answer = (bool?)how["answer"] ?? true;
    readonly WebSocketDeflateOptions? deflate = Deflate(how["deflate"]);
    WebSocket? socket;
    Socket? tcp; // only where we made it: ClientWebSocket hides its own
    volatile TaskCompletionSource? closing; // from before the close call to its end
    string? closeFailure; // of the close call
    double closeSeconds;

    public Task Do(JsonNode command) => (string)command["do"]! switch
    {
        "connect" => Connect((string)command["url"]!, (int?)command["ping_every_ms"]),
        "adopt_connect" => AdoptConnect((int)command["port"]!),
        "adopt_listen" => AdoptListen(),
        "send" => Send(command),
        "close" => Close(command),
        "close_output" => CloseOutput(command),
        "drop" => Drop((string)command["how"]!),
        string unknown => throw new ArgumentException($"unknown command {unknown}"),
    };

    async Task Connect(string url, int? pingEvery)
    {
        ClientWebSocket client = new();
        client.Options.DangerousDeflateOptions = deflate;
        if (pingEvery is int milliseconds)
        {
            client.Options.KeepAliveInterval = TimeSpan.FromMilliseconds(milliseconds);
            client.Options.KeepAliveTimeout = TimeSpan.FromSeconds(10);
        }
        await client.ConnectAsync(new Uri(url), default);
        await Live(client);
    }

    static WebSocketDeflateOptions? Deflate(JsonNode? how) => how is null ? null : new()
    {
        ClientMaxWindowBits = (int)how["bits"]!,
        ServerMaxWindowBits = (int)how["bits"]!,
        ClientContextTakeover = (bool)how["takeover"]!,
        ServerContextTakeover = (bool)how["takeover"]!,
    };

    async Task AdoptConnect(int port)
    {
        tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await Live(FromStream(isServer: false));
    }

    async Task AdoptListen()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Events.Tell(on, "listening", new() { ["port"] = ((IPEndPoint)listener.LocalEndpoint).Port });
        tcp = await listener.AcceptSocketAsync();
        await Live(FromStream(isServer: true));
    }

    WebSocket FromStream(bool isServer) => WebSocket.CreateFromStream(
        new NetworkStream(tcp!, ownsSocket: true),
        new WebSocketCreationOptions { IsServer = isServer, DangerousDeflateOptions = deflate });

    async Task Live(WebSocket opened)
    {
        socket = opened;
        int messages = 0;
        long bytes = 0;
        Exception? thrown = null;
        byte[] buffer = new byte[64 * 1024];
        Task<WebSocketReceiveResult> receiving = socket.ReceiveAsync(buffer, default);
        Events.Tell(on, "open"); // what we are told to do next meets a pending receive
        try
        {
            while (true)
            {
                WebSocketReceiveResult result = await receiving;
                if (result.MessageType == WebSocketMessageType.Close) break;
                bytes += result.Count;
                messages += result.EndOfMessage ? 1 : 0;
                if (echo)
                {
                    await socket.SendAsync(
                        buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, default);
                }
                receiving = socket.ReceiveAsync(buffer, default);
            }
            // Not by the state alone: while CloseAsync runs it may say CloseReceived for a moment, when
            // the peer's answer comes in before .NET has noted that its own Close is written.
            if (socket.State == WebSocketState.CloseReceived && closing is null)
            {
                Events.Tell(on, "close_received", new() { ["state"] = socket.State.ToString() });
                if (!answer) return; // the command to answer ends it
                await socket.CloseOutputAsync(
                    (WebSocketCloseStatus)(int)socket.CloseStatus!, socket.CloseStatusDescription, default);
            }
        }
        catch (Exception error)
        {
            thrown = error;
        }
        if (closing is not null) await closing.Task;
        End(thrown, messages, bytes);
    }

    // What .NET reports, in its own words; then the socket's end.
    void End(Exception? thrown, int messages, long bytes)
    {
        WebSocketState state = socket!.State;
        Events.Tell(on, "end", new()
        {
            ["state"] = state.ToString(),
            ["code"] = (int?)socket.CloseStatus,
            ["reason"] = socket.CloseStatusDescription,
            ["clean"] = state == WebSocketState.Closed,
            ["exception"] = thrown?.GetType().Name,
            ["error"] = (thrown as WebSocketException)?.WebSocketErrorCode.ToString(),
            ["close_failure"] = closeFailure,
            ["close_seconds"] = closeSeconds,
            ["messages"] = messages,
            ["bytes"] = bytes,
        });
        socket.Dispose();
    }

    async Task Send(JsonNode command)
    {
        int count = (int?)command["count"] ?? 1, pieces = (int?)command["pieces"] ?? 1;
        WebSocketMessageType type =
            (bool?)command["binary"] ?? false ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
        for (int i = 0; i < count; ++i)
        {
            string text = $"{i}:".PadRight((int?)command["size"] ?? 0, 'x');
            byte[] message = Encoding.UTF8.GetBytes(text);
            int step = (message.Length + pieces - 1) / pieces;
            for (int at = 0; at < message.Length; at += step)
            {
                ArraySegment<byte> piece = new(message, at, Math.Min(step, message.Length - at));
                await socket!.SendAsync(piece, type, at + step >= message.Length, default);
            }
        }
        Events.Tell(on, "sent");
    }

    // CloseAsync while a receive is pending (the article's S7).
    async Task Close(JsonNode command)
    {
        closing = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long from = Environment.TickCount64;
        try
        {
            await socket!.CloseAsync(Status(command), (string?)command["reason"], default);
        }
        catch (WebSocketException error)
        {
            closeFailure = error.WebSocketErrorCode.ToString();
        }
        closeSeconds = (Environment.TickCount64 - from) / 1000.0;
        closing.SetResult();
    }

    async Task CloseOutput(JsonNode command)
    {
        bool ends = socket!.State == WebSocketState.CloseReceived;
        await socket.CloseOutputAsync(Status(command), (string?)command["reason"], default);
        if (ends) End(null, 0, 0);
    }

    static WebSocketCloseStatus Status(JsonNode command) =>
        (WebSocketCloseStatus)((int?)command["code"] ?? (int)WebSocketCloseStatus.Empty);

    Task Drop(string how)
    {
        if (how == "reset")
        {
            // Before Abort(), which would shut the stream down, and that sends a FIN.
            tcp!.LingerState = new LingerOption(true, 0);
            tcp.Close();
        }
        socket!.Abort();
        tcp?.Close();
        return Task.CompletedTask;
    }
}
