namespace Waypoint.TestBed;

/// <summary>What a program left when it ended: its lines, without the end of the last. A signal's exit code is 128 plus its number.</summary>
public sealed record ProcessResult(int ExitCode, string Output, string Error);
