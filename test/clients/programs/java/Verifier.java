import com.auth0.jwk.JwkProviderBuilder;
import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;

/**
 * A verifier as a service in Java has it: Verifier <library> <issuer> <JWKS URL> <audience>. Reads {"id", "token"} lines, answers each. Every option that is not there
 * is the library's own default. The CA of the issuer's certificate is the PEM file in SSL_CERT_FILE.
 */
public final class Verifier {
  private interface Check {
    void of(String token) throws Exception;
  }

  public static void main(String[] args) throws Exception {
    trust(Path.of(System.getenv("SSL_CERT_FILE")));
    String issuer = args[1];
    String audience = args[3];
    URL jwks = new URL(args[2]);
    Check check =
        switch (args[0]) {
          // What Spring Boot makes of spring.security.oauth2.resourceserver.jwt.issuer-uri
          case "Spring issuer-uri" ->
              spring(new SupplierJwtDecoder(() -> valid(NimbusJwtDecoder.withIssuerLocation(issuer).build(), issuer, audience)));
          // And of …jwk-set-uri
          case "Spring jwk-set-uri" -> spring(valid(NimbusJwtDecoder.withJwkSetUri(args[2]).build(), issuer, audience));
          // And with …jws-algorithms
          case "Spring jwk-set-uri, told" -> spring(valid(told(args[2]), issuer, audience));
          case "Nimbus" -> nimbus(jwks, issuer, audience);
          case "java-jwt" -> auth0(jwks, issuer, audience);
          default -> throw new IllegalArgumentException(args[0]);
        };
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Map<String, Object> asked = JSONObjectUtils.parse(line);
      Map<String, Object> answer = new HashMap<>();
      answer.put("id", asked.get("id"));
      answer.put("verdict", verdict(check, (String) asked.get("token")));
      answer.put("atMs", System.currentTimeMillis());
      System.out.println(JSONObjectUtils.toJSONString(answer));
    }
  }

  private static String verdict(Check check, String token) {
    try {
      check.of(token);
      return "valid";
    } catch (Exception error) {
      return String.valueOf(error.getMessage());
    }
  }

  private static NimbusJwtDecoder valid(NimbusJwtDecoder decoder, String issuer, String audience) {
    JwtClaimValidator<List<String>> ofAudience =
        new JwtClaimValidator<>(JwtClaimNames.AUD, said -> said != null && said.contains(audience));
    decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(JwtValidators.createDefaultWithIssuer(issuer), ofAudience));
    return decoder;
  }

  private static NimbusJwtDecoder told(String jwks) {
    return NimbusJwtDecoder.withJwkSetUri(jwks)
        .jwsAlgorithms(known -> known.addAll(Set.of(SignatureAlgorithm.RS256, SignatureAlgorithm.ES256)))
        .build();
  }

  private static Check spring(JwtDecoder decoder) {
    return decoder::decode;
  }

  private static Check nimbus(URL jwks, String issuer, String audience) {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    var known = new HashSet<>(JWSAlgorithm.Family.SIGNATURE);
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(known, JWKSourceBuilder.create(jwks).build()));
    var exact = new JWTClaimsSet.Builder().issuer(issuer).build();
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(audience, exact, Set.of("exp")));
    return token -> processor.process(token, null);
  }

  /** java-jwt has no class that finds the algorithm: whoever uses it writes this down. */
  private static Check auth0(URL jwks, String issuer, String audience) {
    var provider = new JwkProviderBuilder(jwks).build();
    return token -> {
      var decoded = JWT.decode(token);
      var key = provider.get(decoded.getKeyId()).getPublicKey();
      Algorithm algorithm =
          switch (decoded.getAlgorithm()) {
            case "RS256" -> Algorithm.RSA256((RSAPublicKey) key, null);
            case "RS384" -> Algorithm.RSA384((RSAPublicKey) key, null);
            case "RS512" -> Algorithm.RSA512((RSAPublicKey) key, null);
            case "ES256" -> Algorithm.ECDSA256((ECPublicKey) key, null);
            case "ES384" -> Algorithm.ECDSA384((ECPublicKey) key, null);
            case "ES512" -> Algorithm.ECDSA512((ECPublicKey) key, null);
            default -> throw new IllegalArgumentException("no class for " + decoded.getAlgorithm());
          };
      JWT.require(algorithm).withIssuer(issuer).withAudience(audience).build().verify(decoded);
    };
  }

  private static void trust(Path ca) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(ca)) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    SSLContext.setDefault(context);
    HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
  }
}
