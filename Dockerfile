# syntax=docker/dockerfile:1
# Dependencies are built in a layer of their own, so a change of ours rebuilds only our code.
FROM rust:1.95-bookworm AS chef
RUN cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /build

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
ENV SQLX_OFFLINE=true
COPY --from=plan /build/recipe.json .
RUN cargo chef cook --release --locked --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --bin segment-bot

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/segment-bot /usr/local/bin/segment-bot
ENV SEGMENT_LISTEN=0.0.0.0:8080 \
    SEGMENT_LOG_FORMAT=json \
    SEGMENT_CACHE_DIR=/home/nonroot/cache
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/local/bin/segment-bot", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/segment-bot"]
CMD ["serve"]
