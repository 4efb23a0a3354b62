using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace Waypoint.TestBed;

/// <summary>
/// A thread of this process that lives in a sandbox's network namespace. A pool thread would carry the namespace to its next task; and a new
/// thread for each socket is too slow where others want the CPU: at 300 sockets a second beside two busy loops the callers never caught up.
/// </summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> _bodies = [];
    private readonly Thread _thread;

    /// <exception cref="IOException">The namespace cannot be entered.</exception>
    public NamespaceThread(string name, string networkNamespace)
    {
        _thread = new Thread(() =>
        {
            foreach (Action body in _bodies.GetConsumingEnumerable())
            {
                body();
            }
        })
        { Name = name, IsBackground = true };
        _thread.Start();
        try
        {
            Run(() => Enter(networkNamespace));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs <paramref name="body"/> there, after those that came before, and passes on what it returns or throws.</summary>
    public T Run<T>(Func<T> body)
    {
        // The caller waits for it in any case, and whoever awaits afterwards must not do so here.
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _bodies.Add(() =>
        {
            try
            {
                done.SetResult(body());
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    /// <summary>Leaves the namespace, which ends with the last who is in it.</summary>
    public void Dispose()
    {
        _bodies.CompleteAdding();
        _thread.Join();
        _bodies.Dispose();
    }

    private static bool Enter(string networkNamespace)
    {
        using SafeFileHandle network = File.OpenHandle(networkNamespace, share: FileShare.ReadWrite);
        return NativeMethods.SetNamespace(network, NativeMethods.CloneNewNet) == 0 ? true : throw NativeMethods.Failed(networkNamespace);
    }
}
