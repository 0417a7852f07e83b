// One control connection: a line in, a line out. A step ends when all that was started has completed
// or waits for the peer, so what is told of it does not depend on who ran faster.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

sealed class Session(Socket control)
{
    readonly SortedDictionary<int, Task<string>> pending = [];
    CancellationTokenSource receiving = new();
    CancellationTokenSource? sending; // once the peer stalls: before that, a send can't be cancelled
    WebSocket socket = null!;
    PumpedStream stream = null!;
    readonly Handshakes handshakes = new();

    public void Run()
    {
        control.NoDelay = true;
        using NetworkStream lines = new(control, ownsSocket: true);
        using StreamReader input = new(lines);
        using StreamWriter output = new(lines) { AutoFlush = true };
        while (input.ReadLine() is string line)
        {
            string[] words = line.Split(' ');
            output.WriteLine(words[0] switch
            {
                "open" => Open(words),
                "do" => Do(words),
                "connect" => Handshakes.Connect(words),
                "listen" => handshakes.Listen(words),
                "accepted" => handshakes.Accepted(),
                string unknown => $"unknown command {unknown}",
            });
        }
        socket?.Dispose();
    }

    // open ROLE PORT KEEP_ALIVE_MS PONG_TIMEOUT_MS
    string Open(string[] words)
    {
        socket?.Dispose();
        while (stream?.Pump() ?? false) { } // whoever still waits is told
        pending.Clear();
        receiving = new();
        sending = null;
        Socket tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendBufferSize = 64 * 1024 };
        tcp.Connect(IPAddress.Loopback, int.Parse(words[2]));
        stream = new PumpedStream(tcp);
        WebSocketCreationOptions options = new()
        {
            IsServer = words[1] == "server",
            KeepAliveInterval = TimeSpan.FromMilliseconds(int.Parse(words[3])),
        };
        if (words[4] != "0") options.KeepAliveTimeout = TimeSpan.FromMilliseconds(int.Parse(words[4]));
        socket = WebSocket.CreateFromStream(stream, options);
        return "open";
    }

    // do STEP PEER_SENT PEER_FIN PEER_RESET CALL…
    string Do(string[] words)
    {
        int step = int.Parse(words[1]);
        string[] call = words[5..];
        int patience = 0;
        switch (call[0])
        {
            case "nothing": break;
            case "abort": socket.Abort(); break;
            case "dispose": socket.Dispose(); break;
            case "cancel": receiving.Cancel(); break;
            case "cancel_send": sending?.Cancel(); break;
            case "stall": sending = new(); break;
            case "wait": patience = int.Parse(call[1]); break;
            default: pending[step] = Told(() => Start(call)); break;
        }
        Settle(long.Parse(words[2]), words[3] == "1", words[4] == "1", patience);

        StringBuilder answer = new();
        WebSocketCloseStatus? status = socket.CloseStatus;
        answer.Append($"{stream.Written}\t{(stream.Gone ? 1 : 0)}\t{Names.Snake(socket.State.ToString())}\t");
        answer.Append(status is null ? "-" : $"{(int)status} {Names.Shown(Encoding.UTF8.GetBytes(socket.CloseStatusDescription ?? ""))}");
        foreach (var (id, task) in pending.Where(one => one.Value.IsCompleted).ToArray())
        {
            answer.Append($"\t{id}: {task.Result}");
            pending.Remove(id);
        }
        return answer.ToString();
    }

    Task<string> Start(string[] call) => call[0] switch
    {
        "send" => Send(call[1], call[2] == "more", int.Parse(call[3])),
        "receive" => Receive(int.Parse(call[1])),
        "close" => Done(socket.CloseAsync((WebSocketCloseStatus)int.Parse(call[1]), Reason(call), default)),
        "close_output" => Done(socket.CloseOutputAsync((WebSocketCloseStatus)int.Parse(call[1]), Reason(call), default)),
        string unknown => throw new NotSupportedException(unknown),
    };

    static string? Reason(string[] call) =>
        call[2] == "-" ? null : Encoding.UTF8.GetString(Convert.FromHexString(call[2]));

    Task<string> Send(string type, bool more, int size)
    {
        byte[] payload = new byte[size];
        for (int i = 0; i < size; ++i) payload[i] = (byte)('a' + i % 26);
        return Done(socket.SendAsync(
            new ArraySegment<byte>(payload), Enum.Parse<WebSocketMessageType>(type, ignoreCase: true), !more, sending?.Token ?? default));
    }

    async Task<string> Receive(int size)
    {
        byte[] buffer = new byte[size];
        if (receiving.IsCancellationRequested) receiving = new();
        WebSocketReceiveResult got = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), receiving.Token);
        string end = got.EndOfMessage ? "end" : "more";
        return got.MessageType == WebSocketMessageType.Close
            ? $"close {(int?)got.CloseStatus} {Names.Shown(Encoding.UTF8.GetBytes(got.CloseStatusDescription ?? ""))} {got.Count} {end}"
            : $"{Names.Snake(got.MessageType.ToString())} {end} {Names.Shown(buffer.AsSpan(0, got.Count))}";
    }

    static async Task<string> Done(Task call)
    {
        await call;
        return "ok";
    }

    static async Task<string> Told(Func<Task<string>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception error)
        {
            return Names.Error(error);
        }
    }

    void Settle(long sent, bool fin, bool reset, int patience)
    {
        Stopwatch clock = Stopwatch.StartNew();
        for (int round = 0; clock.ElapsedMilliseconds < patience + 10000; ++round)
        {
            bool arrived = stream.HasArrived(sent, fin, reset);
            bool moved = stream.Pump();
            bool idle = pending.Values.All(one => one.IsCompleted) || stream.Parked || stream.Blocked;
            if (arrived && !moved && idle && clock.ElapsedMilliseconds >= patience) return;
            if (patience > 0 && pending.Count > 0 && pending.Values.All(one => one.IsCompleted)) patience = 0;
            if (!moved && (patience > 0 || round > 100)) Thread.Sleep(1);
        }
    }
}
