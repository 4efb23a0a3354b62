using System.Collections.Immutable;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>Which tokens a request must, may or need not carry.</summary>
internal abstract class JwtRequirement
{
    /// <summary>The providers whose tokens it looks at.</summary>
    public abstract IEnumerable<JwtProvider> Providers { get; }

    public abstract ValueTask<JwtStatus> CheckAsync(JwtRequest request);
}

/// <summary>Every token at the provider's places must be a good one of its: a backend might take a bad one beside it for the one that was verified.</summary>
/// <param name="provider">The provider.</param>
/// <param name="audiences">In place of the provider's own; null for those.</param>
internal sealed class RequiresProvider(JwtProvider provider, ImmutableHashSet<string>? audiences) : JwtRequirement
{
    public override IEnumerable<JwtProvider> Providers => [provider];

    public override async ValueTask<JwtStatus> CheckAsync(JwtRequest request)
    {
        var tokens = request.Find(provider.Locations);
        var status = tokens.Count == 0 ? JwtStatus.Missed : JwtStatus.Ok;
        for (var i = tokens.Count - 1; i >= 0 && status == JwtStatus.Ok; i--)
        {
            (status, var token) = await provider.VerifyAsync(tokens[i].Text, audiences, request.Now).ConfigureAwait(false);
            if (token is not null)
            {
                request.Accept(provider, tokens[i], token);
            }
        }

        if (status != JwtStatus.Ok)
        {
            request.Fail(provider, status);
        }

        return status;
    }
}

/// <summary>One that is met is enough; they are tried in order.</summary>
internal sealed class RequiresAny(ImmutableArray<JwtRequirement> requirements) : JwtRequirement
{
    public override IEnumerable<JwtProvider> Providers => requirements.SelectMany(requirement => requirement.Providers);

    public override async ValueTask<JwtStatus> CheckAsync(JwtRequest request)
    {
        var failure = JwtStatus.Missed;
        foreach (var requirement in requirements)
        {
            var status = await requirement.CheckAsync(request).ConfigureAwait(false);
            if (status == JwtStatus.Ok)
            {
                return status;
            }

            // What is wrong with a token says more than that it is not this provider's.
            if (failure is JwtStatus.Missed or JwtStatus.UnknownIssuer)
            {
                failure = status;
            }
        }

        return failure;
    }
}

/// <summary>All must be met.</summary>
internal sealed class RequiresAll(ImmutableArray<JwtRequirement> requirements) : JwtRequirement
{
    public override IEnumerable<JwtProvider> Providers => requirements.SelectMany(requirement => requirement.Providers);

    public override async ValueTask<JwtStatus> CheckAsync(JwtRequest request)
    {
        foreach (var requirement in requirements)
        {
            if (await requirement.CheckAsync(request).ConfigureAwait(false) is var status and not JwtStatus.Ok)
            {
                return status;
            }
        }

        return JwtStatus.Ok;
    }
}

/// <summary>No token is needed; one that is there must be good, unless <paramref name="allowFailed"/>. The issuer says whose it is.</summary>
internal sealed class RequiresNone(ImmutableArray<JwtProvider> providers, bool allowFailed) : JwtRequirement
{
    public override IEnumerable<JwtProvider> Providers => providers;

    public override async ValueTask<JwtStatus> CheckAsync(JwtRequest request)
    {
        var found = providers
            .SelectMany(provider => request.Find(provider.Locations), (provider, token) => (Provider: provider, Token: token))
            .GroupBy(place => place.Token);
        var failure = JwtStatus.Ok;
        foreach (var place in found)
        {
            var status = JwtStatus.UnknownIssuer;
            foreach (var (provider, one) in place)
            {
                (status, var token) = await provider.VerifyAsync(one.Text, null, request.Now).ConfigureAwait(false);
                if (token is not null)
                {
                    request.Accept(provider, one, token);
                    break;
                }

                request.Fail(provider, status);
                if (status != JwtStatus.UnknownIssuer)
                {
                    break;
                }
            }

            failure = failure == JwtStatus.Ok ? status : failure;
        }

        return allowFailed ? JwtStatus.Ok : failure;
    }
}
