//! The HTTP door: one verified address that takes everything, and aliases for the manifest.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use slack_morphism::{
    listener::SlackClientEventsListenerEnvironment,
    prelude::{SlackEventsAxumListener, SlackHyperHttpsConnector, SlackSigningSecret},
    signature_verifier::{SlackEventAbsentSignatureError, SlackEventSignatureVerifierError},
};

use super::{
    SlackApp,
    dispatch::{Reply, dispatch},
    inbound::Inbound,
};

/// A payload of Slack is far smaller; a larger body is refused before its signature is computed.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Every path takes everything; the manifest uses one for each purpose.
pub const ROUTES: [&str; 4] = ["/slack/events", "/slack/command", "/slack/interaction", "/slack/options"];

/// The routes that Slack calls.
pub fn router(app: SlackApp) -> Router {
    let client = app.client().morphism();
    let environment =
        SlackClientEventsListenerEnvironment::new(client).with_error_handler(|error, _, _| refuse(error.as_ref()));
    let listener = SlackEventsAxumListener::<SlackHyperHttpsConnector>::new(environment.into());
    let secret = SlackSigningSecret(app.inner.config.signing_secret.expose().to_owned());
    ROUTES
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, post(receive)))
        .layer(listener.events_layer(&secret))
        .layer(middleware::from_fn(cap_body))
        .with_state(app)
}

/// axum's own limit acts on extractors only, and the verifier is none.
async fn cap_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

/// Says nothing about what was wrong; the errors themselves hold parts of the request.
fn refuse(error: &(dyn std::error::Error + Send + Sync + 'static)) -> StatusCode {
    let unsigned = error.is::<SlackEventSignatureVerifierError>() || error.is::<SlackEventAbsentSignatureError>();
    tracing::warn!(unsigned, "a request to Slack's address was refused");
    if unsigned { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }
}

/// A signed request is always answered with 200: Slack hides everything else from the person.
async fn receive(State(app): State<SlackApp>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reply = match Inbound::from_http(content_type, &body) {
        Ok(inbound) => dispatch(&app, inbound).await,
        Err(error) => {
            tracing::warn!(%error, bytes = body.len(), "ignored");
            Reply::empty()
        }
    };
    match reply.into_body() {
        Some(body) => axum::Json(body).into_response(),
        None => StatusCode::OK.into_response(),
    }
}
