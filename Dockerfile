# The program of `npm run bundle`, on Node.js, and nothing else: no shell, no package manager, no user but a numeric one.
#   npm ci && npm run bundle && docker build -t keyturn .
# Where no registry can be reached, --build-arg BASE and NODE_IMAGE name an image with the libraries of glibc and libstdc++,
# and one with /usr/local/bin/node; they may be the same.
ARG BASE=gcr.io/distroless/cc-debian12:nonroot
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE} AS node

FROM ${BASE}
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --chown=0:0 dist/bundle /app
ENV NODE_ENV=production
USER 65532:65532
WORKDIR /
# No debugger by SIGUSR1. A core dump, where the node takes one, has the heap in it, and with it the keys
ENTRYPOINT ["/usr/local/bin/node", "--disable-sigusr1", "/app/keyturn.cjs"]
