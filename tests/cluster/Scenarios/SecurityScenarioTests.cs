using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests.Scenarios;

/// <summary>Scenarios authorization and jwt, and a plugin: who may pass.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class SecurityScenarioTests(Shop shop)
{
    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Authorization_policies_of_the_service_and_of_the_gateway_are_both_obeyed(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("authorization");
        var client = shop.Client(carrier);

        // The service's policy wants a claim that only a token could bring.
        var refused = await client.UntilAsync(a => a.Status == 403, "http://echo:80/ok", "-Hx-role: admin");
        Assert.Equal("istio-envoy", refused.Header("Server"));
        Assert.Null(refused.Version);

        // echo-v1 has only the Gateway's policy, which denies methods but GET and POST from outside 10.0.0.0/8: pods and nodes are inside.
        Assert.Equal(200, (await client.GetAsync("http://echo-v1:80/")).Status);
        Assert.Equal(200, (await client.GetAsync("http://echo-v1:80/", "--method=PUT")).Status);
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Jwt_tokens_are_verified_and_their_claims_passed_on(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("jwt");
        var client = shop.Client(carrier);
        var now = DateTimeOffset.UtcNow;
        await client.UntilAsync(a => a.Status == 401, "http://echo:80/", "-Hx-jwt: Bearer not-a-token");

        var good = Hs256.Token("test@example", "alice", "echo", now.AddMinutes(5));
        var answer = await client.GetAsync("http://echo:80/", $"-Hx-jwt: Bearer {good}");
        Assert.Equal((200, "alice"), (answer.Status, answer.RequestHeader("X-Sub")));
        Assert.Equal(good.Split('.')[1], answer.RequestHeader("X-Payload")?.TrimEnd('='));
        Assert.Equal($"Bearer {good}", answer.RequestHeader("X-Jwt"));
        Assert.Equal(200, (await client.GetAsync($"http://echo:80/?token={good}")).Status);

        Assert.Equal(200, (await client.GetAsync("http://echo:80/")).Status);
        Assert.Equal(401, (await client.GetAsync("http://echo:80/", $"-Hx-jwt: Bearer {good[..^4]}AAAA")).Status);
        Assert.Equal(401, (await client.GetAsync("http://echo:80/", $"-Hx-jwt: Bearer {Hs256.Token("test@example", "alice", "echo", now.AddMinutes(-5))}")).Status);
        Assert.Equal(403, (await client.GetAsync("http://echo:80/", $"-Hx-jwt: Bearer {Hs256.Token("test@example", "alice", "another", now.AddMinutes(5))}")).Status);
        Assert.Equal(401, (await client.GetAsync("http://echo:80/", $"-Hx-jwt: Bearer {Hs256.Token("another@example", "alice", "echo", now.AddMinutes(5))}")).Status);
    }

    [Fact]
    public async Task A_plugin_that_cannot_run_refuses_every_request_unless_it_may_fail_open()
    {
        const string Plugin = """
            apiVersion: extensions.istio.io/v1alpha1
            kind: WasmPlugin
            metadata: {name: auth, namespace: shop}
            spec:
              targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
              url: oci://registry.invalid/auth:1
              phase: AUTHN
            """;
        var client = shop.Client(Carrier.Kernel);
        await using (await Manifest.ApplyAsync(Plugin))
        {
            await client.UntilAsync(a => a.Status == 403, "http://echo:80/");
            await Kubectl.ApplyAsync($"{Plugin}\n  failStrategy: FAIL_OPEN");
            await client.UntilAsync(a => a.Status == 200, "http://echo:80/");
        }

        await client.UntilAsync(a => a.Status == 200, "http://echo:80/");
    }
}
