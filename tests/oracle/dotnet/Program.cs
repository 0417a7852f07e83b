// The real System.Net.WebSockets as the referee: plays the steps that come over control connections,
// one script at a time on each. Says first where it listens and which runtime it is; ends with stdin.
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

using TcpListener listener = new(IPAddress.Loopback, 0);
listener.Start();
Console.WriteLine($"{((IPEndPoint)listener.LocalEndpoint).Port} {RuntimeInformation.FrameworkDescription}");
Thread serving = new(() =>
{
    while (true)
    {
        Socket control = listener.AcceptSocket();
        new Thread(() => new Session(control).Run()) { IsBackground = true }.Start();
    }
}) { IsBackground = true };
serving.Start();
while (Console.In.Read() >= 0) { }
Environment.Exit(0);
