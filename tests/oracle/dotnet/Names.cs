// How results are written: the same words as on the C++ side (tests/oracle/words.hpp).
using System.Net.WebSockets;
using System.Text;

static class Names
{
    public static string Snake(string name)
    {
        StringBuilder words = new();
        foreach (char letter in name)
        {
            if (char.IsUpper(letter) && words.Length > 0) words.Append('_');
            words.Append(char.ToLowerInvariant(letter));
        }
        return words.ToString();
    }

    // Short payloads in full, long ones by size and FNV-1a.
    public static string Shown(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 32)
        {
            uint hash = 2166136261;
            foreach (byte one in bytes) hash = (hash ^ one) * 16777619;
            return $"[{bytes.Length} bytes, {hash:x8}]";
        }
        StringBuilder text = new("\"");
        foreach (byte one in bytes)
        {
            if (one is > 32 and < 127 and not (byte)'\\' and not (byte)'"') text.Append((char)one);
            else text.Append($"\\x{one:x2}");
        }
        return text.Append('"').ToString();
    }

    public static string Error(Exception error) => error switch
    {
        WebSocketException known => known.WebSocketErrorCode switch
        {
            WebSocketError.NotAWebSocket => "not_a_websocket",
            WebSocketError code => Snake(code.ToString()),
        },
        OperationCanceledException => "cancelled",
        ArgumentException => "invalid_argument",
        _ => error.GetType().Name,
    };
}
