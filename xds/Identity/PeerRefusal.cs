namespace Waypoint.Xds.Identity;

/// <summary>Why a peer's certificate was not believed. One name for the log and the metric label alike (<see cref="PeerRefusals.Label"/>).</summary>
public enum PeerRefusal
{
    /// <summary>It was believed.</summary>
    None,

    /// <summary>The peer showed no certificate.</summary>
    NoCertificate,

    /// <summary>No chain leads from it to a trusted root.</summary>
    UnknownAuthority,

    /// <summary>It, or one above it, has expired.</summary>
    Expired,

    /// <summary>It, or one above it, is not valid yet.</summary>
    NotYetValid,

    /// <summary>A constraint, a critical extension or an encoding in the chain is wrong.</summary>
    BadCertificate,

    /// <summary>It does not carry exactly one SPIFFE id.</summary>
    NoSpiffeId,

    /// <summary>The id belongs to a trust domain that is neither ours nor an alias of it.</summary>
    WrongTrustDomain,

    /// <summary>The id is not the one that was expected at that address.</summary>
    UnexpectedIdentity,
}

public static class PeerRefusals
{
    /// <summary>Every refusal there is.</summary>
    public static IReadOnlyList<PeerRefusal> All { get; } = [.. Enum.GetValues<PeerRefusal>().Where(refusal => refusal != PeerRefusal.None)];

    /// <summary>The value of the metric's <c>reason</c> label.</summary>
    public static string Label(this PeerRefusal refusal) => refusal switch
    {
        PeerRefusal.None => "none",
        PeerRefusal.NoCertificate => "no_certificate",
        PeerRefusal.UnknownAuthority => "unknown_authority",
        PeerRefusal.Expired => "expired",
        PeerRefusal.NotYetValid => "not_yet_valid",
        PeerRefusal.BadCertificate => "bad_certificate",
        PeerRefusal.NoSpiffeId => "no_spiffe_id",
        PeerRefusal.WrongTrustDomain => "wrong_trust_domain",
        PeerRefusal.UnexpectedIdentity => "unexpected_identity",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, null),
    };
}

/// <summary>What came of looking at a peer's certificate.</summary>
/// <param name="Refusal">Why it is not believed; none when it is.</param>
/// <param name="Id">Who the peer is; also of a refused one if its certificate says so, for the log only.</param>
public readonly record struct PeerVerdict(PeerRefusal Refusal, SpiffeId? Id)
{
    public bool IsTrusted => Refusal == PeerRefusal.None;
}
