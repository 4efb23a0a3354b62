using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>Collects what libbpf prints, the verifier's log included, so that an exception can carry it.</summary>
/// <remarks>libbpf has one print callback for the process; what it prints belongs to the thread that made the call.</remarks>
internal static unsafe class LibbpfLog
{
    private const int MaxCharacters = 64 * 1024;

    [ThreadStatic]
    private static StringBuilder? t_text;

    static LibbpfLog() => Native.SetPrint(&Print);

    /// <summary>Forgets what this thread's earlier calls printed; to be called before each call whose log matters.</summary>
    public static void Begin() => (t_text ??= new StringBuilder()).Clear();

    /// <summary>What was printed since <see cref="Begin"/>; at most the last 64 Ki characters.</summary>
    public static string Text => t_text?.ToString() ?? "";

    // va_list is passed by address on x86-64 (an array type) and on arm64 (a large struct), hence the pointer.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Print(int level, byte* format, void* arguments)
    {
        if (level > Native.LogLevelInfo || t_text is not { } text)
        {
            return 0;
        }

        // The verifier's log arrives as one argument of any length.
        const int Size = MaxCharacters;
        var buffer = (byte*)NativeMemory.Alloc(Size);
        var length = Native.FormatVarargs(buffer, Size, format, arguments);
        text.Append(Encoding.UTF8.GetString(buffer, Math.Clamp(length, 0, Size - 1)));
        NativeMemory.Free(buffer);
        if (text.Length > MaxCharacters)
        {
            text.Remove(0, text.Length - MaxCharacters);
        }

        return 0;
    }
}
