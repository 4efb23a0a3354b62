using System.Runtime.CompilerServices;

namespace Waypoint.Proxy.Sockets;

/// <summary>Awaits the thread of an event loop (<see cref="EventLoop.SwitchAsync"/>).</summary>
internal readonly struct LoopSwitch(EventLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => loop.IsCurrent;

    public LoopSwitch GetAwaiter() => this;

    public void OnCompleted(Action continuation) => loop.Post(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Post(continuation);

    public void GetResult()
    {
    }
}
