// A TCP stream whose reads are completed by a thread that asks for it. That thread then knows when
// the WebSocket above has done everything that it can do without the peer: a read is parked, and
// the kernel has nothing for it. Every byte and every error is the socket's own.
using System.Buffers.Binary;
using System.Net.Sockets;

sealed class PumpedStream : Stream
{
    readonly Socket tcp;
    readonly NetworkStream inner;
    readonly object gate = new();
    readonly Queue<(TaskCompletionSource<int> Read, Memory<byte> Buffer)> parked = []; // served in turn, as by a socket

    TaskCompletionSource? blocked; // a write that the kernel has not taken whole
    ReadOnlyMemory<byte> unwritten;

    public PumpedStream(Socket connected)
    {
        tcp = connected;
        inner = new(tcp, ownsSocket: true);
        tcp.Blocking = false;
    }

    public long Written { get; private set; }
    public bool Gone { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(Gone, this);
            TaskCompletionSource<int> read = new();
            parked.Enqueue((read, buffer));
            return new(read.Task);
        }
    }

    // Completes the parked read if it can, with all that follows from it, on this thread. An empty
    // read waits for data without taking it, as NetworkStream's does.
    public bool Pump() => PumpRead() | PumpWrite();

    bool PumpRead()
    {
        TaskCompletionSource<int> read;
        Memory<byte> target;
        lock (gate)
        {
            if (parked.Count == 0 || !(Gone || tcp.Poll(0, SelectMode.SelectRead))) return false;
            (read, target) = parked.Dequeue();
        }
        int count;
        try
        {
            if (Gone) throw new IOException("disposed", new SocketException((int)SocketError.OperationAborted));
            count = target.Length == 0 ? 0 : inner.Read(target.Span);
        }
        catch (Exception error)
        {
            read.SetException(error);
            return true;
        }
        read.SetResult(count);
        return true;
    }

    // A read waits, and there is nothing for it.
    public bool Parked
    {
        get { lock (gate) return parked.Count != 0 && !Gone && !tcp.Poll(0, SelectMode.SelectRead); }
    }

    // Whether our kernel has all that the peer sent: bytes, and a FIN or a reset behind them.
    public bool HasArrived(long sent, bool fin, bool reset)
    {
        const int tcpInfo = 11, closed = 7, bytesReceivedAt = 128;
        try
        {
            Span<byte> info = stackalloc byte[256];
            tcp.GetRawSocketOption((int)SocketOptionLevel.Tcp, tcpInfo, info);
            if (reset) return info[0] == closed;
            if (fin && info[0] is 1 or 4 or 5) return false; // established, FIN_WAIT1, FIN_WAIT2
            return info[0] == closed || BinaryPrimitives.ReadInt64LittleEndian(info[bytesReceivedAt..]) >= sent;
        }
        catch (Exception) when (Gone)
        {
            return true;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(Gone, this);
            unwritten = buffer;
            WriteSome();
            if (unwritten.IsEmpty) return default;
            blocked = new();
            return new(blocked.Task);
        }
    }

    bool WriteSome()
    {
        bool moved = false;
        while (!unwritten.IsEmpty)
        {
            int count = tcp.Send(unwritten.Span, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) break;
            if (error != SocketError.Success) throw new IOException("write", new SocketException((int)error));
            Written += count;
            unwritten = unwritten[count..];
            moved = true;
        }
        return moved;
    }

    bool PumpWrite()
    {
        TaskCompletionSource write;
        Exception? failure = null;
        lock (gate)
        {
            if (blocked is null) return false;
            try
            {
                if (Gone) throw new IOException("disposed", new SocketException((int)SocketError.OperationAborted));
                bool moved = WriteSome();
                if (!unwritten.IsEmpty) return moved;
            }
            catch (Exception error)
            {
                failure = error;
            }
            write = blocked;
            blocked = null;
        }
        if (failure is null) write.SetResult();
        else write.SetException(failure);
        return true;
    }

    // A write waits, and the kernel takes nothing of it.
    public bool Blocked
    {
        get { lock (gate) return blocked is not null && !Gone; }
    }

    protected override void Dispose(bool disposing)
    {
        Gone = true; // the parked read fails at the next Pump: never inside of whoever disposes
        inner.Dispose();
    }

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellation) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
