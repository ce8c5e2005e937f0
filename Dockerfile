# The program of `npm run bundle`, on Node.js, and nothing else: no shell, no package manager, no user but a numeric one.
#   npm ci && npm run bundle && docker build -t keyturn .
# For another processor than this machine's, its native signatures come from their package: before the bundle,
#   npm install --no-save --force @keyturn/native-linux-arm64-gnu
# Where no registry can be reached, --build-arg BASE and NODE_IMAGE name an image with the libraries of glibc and libstdc++,
# and one with /usr/local/bin/node; they may be the same.
ARG BASE=gcr.io/distroless/cc-debian12:nonroot
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE} AS program
USER 0:0
COPY dist/bundle /app
# Keeps what V8 makes of the code, with the flags below: a gateway is ready a fifth sooner, each command starts sooner. Another Node.js would not take it
RUN ["/usr/local/bin/node", "--disable-sigusr1", "--no-parallel-scavenge", "/app/compile.cjs"]

FROM ${BASE}
COPY --from=program /usr/local/bin/node /usr/local/bin/node
COPY --from=program --chown=0:0 /app /app
ENV NODE_ENV=production
USER 65532:65532
WORKDIR /
# --disable-sigusr1: no debugger by that signal. Core dumps, which would have the keys, the program itself keeps the kernel from, by src/native.
# --no-parallel-scavenge: threads that share the collection of a small heap's garbage wait for each other longer than one of them needs
ENTRYPOINT ["/usr/local/bin/node", "--disable-sigusr1", "--no-parallel-scavenge", "/app/keyturn.cjs"]
