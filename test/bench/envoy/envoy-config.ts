/** How Envoy finds out who asks. */
export const ways = [
  "nobody asked",
  "gRPC",
  "gRPC, Unix socket",
  "HTTP",
  "HTTP, Unix socket",
  "jwt_authn",
  "jwt_authn, cached",
] as const;
export type Way = (typeof ways)[number];

/** Where a gateway is: a port of 127.0.0.1, or the path of a Unix socket. */
export type Place = number | string;

/** One gateway at ports, and another one at Unix sockets. */
export interface EnvoyPlaces {
  readonly of: (way: Way) => number;
  readonly front: Place;
  readonly grpc: Place;
  readonly frontSocket: Place;
  readonly grpcSocket: Place;
}

const extension = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
const address = (place: Place) =>
  typeof place === "string"
    ? { pipe: { path: place } }
    : { socket_address: { address: "127.0.0.1", port_value: place } };

/** One Envoy, with a port for each way; it answers by itself whatever may pass. @param tokens - So many has its own cache */
export const envoyConfig = (places: EnvoyPlaces, tokens: number): object => ({
  static_resources: {
    listeners: ways.map((way) => listener(places.of(way), filterOf(way, tokens))),
    clusters: [
      cluster("keyturn", places.front),
      cluster("keyturn-socket", places.frontSocket),
      { ...cluster("keyturn-grpc", places.grpc), ...overHttp2 },
      { ...cluster("keyturn-grpc-socket", places.grpcSocket), ...overHttp2 },
    ],
  },
});

const overHttp2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": extension("upstreams.http.v3.HttpProtocolOptions"),
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

function filterOf(way: Way, tokens: number): readonly object[] {
  switch (way) {
    case "nobody asked":
      return [];
    case "gRPC":
      return [extAuthz(overGrpc("keyturn-grpc"))];
    case "gRPC, Unix socket":
      return [extAuthz(overGrpc("keyturn-grpc-socket"))];
    case "HTTP":
      return [extAuthz(overHttp("keyturn"))];
    case "HTTP, Unix socket":
      return [extAuthz(overHttp("keyturn-socket"))];
    case "jwt_authn":
      return [jwtAuthn({})];
    case "jwt_authn, cached":
      return [jwtAuthn({ jwt_cache_config: { jwt_cache_size: 2 * tokens } })];
    default:
      return way satisfies never;
  }
}

const overGrpc = (cluster: string) => ({
  grpc_service: { envoy_grpc: { cluster_name: cluster }, timeout: "5s" },
});

const overHttp = (cluster: string) => ({
  http_service: {
    path_prefix: "/verify",
    server_uri: { uri: "http://127.0.0.1", cluster, timeout: "5s" },
    authorization_response: {
      allowed_upstream_headers: { patterns: [{ exact: "x-auth-subject", ignore_case: true }] },
    },
  },
});

const extAuthz = (service: object) => ({
  name: "envoy.filters.http.ext_authz",
  typed_config: {
    "@type": extension("filters.http.ext_authz.v3.ExtAuthz"),
    transport_api_version: "V3",
    ...service,
  },
});

const jwtAuthn = (cache: object) => ({
  name: "envoy.filters.http.jwt_authn",
  typed_config: {
    "@type": extension("filters.http.jwt_authn.v3.JwtAuthentication"),
    providers: {
      keyturn: {
        issuer: "https://issuer.example",
        audiences: ["api"],
        remote_jwks: {
          http_uri: { uri: "http://127.0.0.1/.well-known/jwks.json", cluster: "keyturn", timeout: "1s" },
          cache_duration: "600s",
        },
        claim_to_headers: [{ header_name: "x-auth-subject", claim_name: "sub" }],
        ...cache,
      },
    },
    rules: [{ match: { prefix: "/" }, requires: { provider_name: "keyturn" } }],
  },
});

const listener = (port: number, filters: readonly object[]) => ({
  address: address(port),
  filter_chains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typed_config: {
            "@type": extension("filters.network.http_connection_manager.v3.HttpConnectionManager"),
            stat_prefix: "ingress",
            http_filters: [
              ...filters,
              {
                name: "envoy.filters.http.router",
                typed_config: { "@type": extension("filters.http.router.v3.Router") },
              },
            ],
            route_config: {
              virtual_hosts: [
                {
                  name: "all",
                  domains: ["*"],
                  routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
                },
              ],
            },
          },
        },
      ],
    },
  ],
});

const cluster = (name: string, place: Place) => ({
  name,
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(place) } }] }] },
});
