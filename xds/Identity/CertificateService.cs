using Istio.V1.Auth;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Identity;

/// <summary>The method by which istiod, and whoever stands in for it, issues certificates.</summary>
public static class CertificateService
{
    public static readonly GrpcMethod<IstioCertificateRequest, IstioCertificateResponse> CreateCertificate = new(
        "istio.v1.auth.IstioCertificateService", "CreateCertificate", IstioCertificateRequest.Parser, IstioCertificateResponse.Parser);
}
