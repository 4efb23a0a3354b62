using System.Diagnostics;
using System.Text;

namespace Waypoint.TestBed;

/// <summary>A program that runs in the node or in a pod. Its output is kept, and can be awaited line by line.</summary>
public sealed class SandboxProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;
    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly List<string> _lines = [];
    private readonly Task _drained;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SandboxProcess(string description, Process process)
    {
        Description = description;
        _process = process;
        _drained = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _error));
    }

    public string Description { get; }

    /// <summary>The id of the program itself: the shell and nsenter that lead to it replace themselves.</summary>
    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The lines of both outputs so far, in the order in which they were read.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The program's standard input; close it to let a reader of it end.</summary>
    public StreamWriter Input => _process.StandardInput;

    internal static SandboxProcess Start(string description, IEnumerable<string> shellArguments, IReadOnlyDictionary<string, string>? environment)
    {
        ProcessStartInfo start = new("/bin/sh", shellArguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        return new SandboxProcess(description, Process.Start(start)!);
    }

    /// <summary>Waits for a line that is there already or still comes.</summary>
    /// <exception cref="TimeoutException">The deadline passed; the message holds the last lines.</exception>
    /// <exception cref="EndOfStreamException">The program ended without the line.</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> predicate, TimeSpan deadline)
    {
        using CancellationTokenSource timeout = new(deadline);
        int seen = 0;
        while (true)
        {
            Task news;
            bool ended = _drained.IsCompleted;
            lock (_lines)
            {
                for (; seen < _lines.Count; seen++)
                {
                    if (predicate(_lines[seen]))
                    {
                        return _lines[seen];
                    }
                }
                news = _news.Task;
            }
            if (ended)
            {
                throw new EndOfStreamException($"{Description} ended without the awaited line:\n{Tail()}");
            }
            try
            {
                await Task.WhenAny(news, _drained).WaitAsync(timeout.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"{Description} did not write the awaited line in {deadline.TotalSeconds:0.#} s:\n{Tail()}");
            }
        }
    }

    public async Task<ProcessResult> WaitForExitAsync(TimeSpan deadline)
    {
        using CancellationTokenSource timeout = new(deadline);
        try
        {
            await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(false);
            await _drained.WaitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{Description} did not end in {deadline.TotalSeconds:0.#} s:\n{Tail()}");
        }
        return new ProcessResult(_process.ExitCode, Text(_output), Text(_error));
    }

    /// <summary>Sends a signal by number; a program that has ended already is no error.</summary>
    public void Signal(int signal)
    {
        if (!_process.HasExited && NativeMethods.Kill(Id, signal) != 0 && !_process.HasExited)
        {
            throw NativeMethods.Failed($"kill({Id}, {signal})");
        }
    }

    /// <summary>SIGTERM, and the time to obey it.</summary>
    public Task<ProcessResult> TerminateAsync(TimeSpan deadline)
    {
        Signal(SigTerm);
        return WaitForExitAsync(deadline);
    }

    /// <summary>kill -9.</summary>
    public Task<ProcessResult> KillAsync()
    {
        Signal(SigKill);
        return WaitForExitAsync(KillDeadline);
    }

    /// <summary>The last lines of output, for a message about what went wrong.</summary>
    public string Tail(int lines = 20) => string.Join('\n', Lines.TakeLast(lines));

    public async ValueTask DisposeAsync()
    {
        Signal(SigKill);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
    }

    private static string Text(StringBuilder lines) => lines.ToString(0, Math.Max(0, lines.Length - 1));

    private async Task ReadAsync(StreamReader reader, StringBuilder whole)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            TaskCompletionSource news;
            lock (_lines)
            {
                whole.Append(line).Append('\n');
                _lines.Add(line);
                news = _news;
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            news.SetResult();
        }
    }
}
