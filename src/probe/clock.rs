//! What time it is elsewhere, by the `Date` of web servers (RFC 9110 §6.6.1).
//!
//! Their certificates are trusted but for their dates: by a clock that is a year off everybody's has expired.

use std::time::Duration;

use futures::future::join_all;

use super::context::Context;
use super::control::Web;
use crate::model::fact::{ClockFact, Fact};
use crate::net::http::{Request, exchange};
use crate::net::tls::unix_seconds;

/// How long a web server may take for the head of an answer.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks all of them at once, over the connections that are there.
pub async fn ask_all(context: &Context, webs: Vec<Web>) {
    join_all(webs.into_iter().map(|web| ask(context, web))).await;
}

async fn ask(context: &Context, web: Web) {
    let request = Request::new("HEAD", &web.host.to_string(), "/");
    let Ok(request) = request.and_then(|request| request.with_header("connection", "close")) else { return };
    let Ok(answer) = exchange(web.stream, request, LIMIT).await else { return };
    let Some(theirs) = answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok()) else { return };
    let fact = ClockFact { theirs: unix_seconds(theirs), ours: unix_seconds(context.network.time_of_day()) };
    context.record.add("clock", web.endpoint, Fact::Clock(fact));
}
