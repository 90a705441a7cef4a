//! The routes: the embedded page, facts, health, metrics, and the door to the WebSocket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::guard::Refusal;
use crate::serve::Shared;
use crate::socket;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Nothing from elsewhere; the icon is a data URL.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// All routes. The page itself holds no secret and needs no token; what tells of the run or plays it does.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(|| page(HTML, include_str!("../../../web/index.html"))))
        .route("/style.css", get(|| page(CSS, include_str!("../../../web/style.css"))))
        .route("/app.js", get(|| page(JS, include_str!("../../../web/app.js"))))
        .route("/keys.js", get(|| page(JS, include_str!("../../../web/keys.js"))))
        .route("/link.js", get(|| page(JS, include_str!("../../../web/link.js"))))
        .route("/spark.js", get(|| page(JS, include_str!("../../../web/spark.js"))))
        .route("/wire.js", get(|| page(JS, include_str!("../../../web/wire.js"))))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/api/info", get(info))
        .route("/metrics", get(metrics))
        .route("/ws", get(play))
        .layer(from_fn_with_state(shared.clone(), guarded))
        .with_state(shared)
}

#[derive(Deserialize)]
struct Access {
    token: Option<String>,
}

async fn page(kind: &'static str, body: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], body)
}

/// Turns strangers away and sets the headers that keep browsers careful.
async fn guarded(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = match shared.guard.check_origin(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn info(
    State(shared): State<Arc<Shared>>,
    Query(access): Query<Access>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    shared.guard.check_token(access.token.as_deref(), &headers)?;
    let body = serde_json::to_string(&shared.options.info)
        .map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the run's facts are not JSON\n"))?;
    Ok(([(CONTENT_TYPE, JSON)], body).into_response())
}

async fn metrics(
    State(shared): State<Arc<Shared>>,
    Query(access): Query<Access>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    shared.guard.check_token(access.token.as_deref(), &headers)?;
    let body = shared.metrics.render(shared.n_open.load(Ordering::Relaxed));
    Ok(([(CONTENT_TYPE, PROMETHEUS)], body).into_response())
}

async fn play(
    State(shared): State<Arc<Shared>>,
    Query(access): Query<Access>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    shared.guard.check_token(access.token.as_deref(), &headers)?;
    let limit = shared.options.max_message_bytes;
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit);
    Ok(upgrade.on_upgrade(move |socket| socket::converse(socket, shared)))
}
