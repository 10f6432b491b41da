//! Whether to try again, and when.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{HttpError, Limited, Method, Options, Reply};

/// How long to wait before attempt `attempt + 1`; `None` where there is no point or no attempt left.
pub(super) fn pause(
    outcome: &Result<Reply, HttpError>,
    method: Method,
    attempt: u32,
    options: &Options,
) -> Option<Duration> {
    if attempt >= options.attempts {
        return None;
    }
    let doubled = options.pause.saturating_mul(1 << (attempt - 1).min(16));
    let pause = match outcome {
        Err(failed @ HttpError::Unreachable { .. }) => {
            (!method.writes() || failed.is_before_connection()).then_some(doubled)?
        }
        Ok(reply) => match (reply.limited(), reply.status) {
            (Some(Limited { pause: Some(asked), .. }), _) => asked.max(doubled),
            (Some(_), 429) | (None, 500 | 502 | 503 | 504) if !method.writes() => {
                reply.retry_after().map_or(doubled, |asked| asked.max(doubled))
            }
            _ => return None,
        },
        Err(_) => return None,
    };
    (pause <= options.longest_pause).then_some(pause)
}

/// `Retry-After` as a duration: seconds, or a date that is measured against the server's own `Date`,
/// so that no clock of ours is asked. RFC 9110, section 10.2.3.
pub(super) fn after(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = self::date(Some(text))?;
    let now = self::date(date)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// The time in a header such as `Date`.
pub(super) fn date(header: Option<&str>) -> Option<Timestamp> {
    Some(rfc2822::parse(header?.trim()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)]) -> Result<Reply, HttpError> {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let url = "https://example.com/".parse().unwrap();
        Ok(Reply { url, status, headers: headers.iter().map(named).collect(), body: Vec::new() })
    }

    fn seconds(outcome: &Result<Reply, HttpError>, method: Method, attempt: u32) -> Option<u64> {
        pause(outcome, method, attempt, &Options::default()).map(|pause| pause.as_secs())
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [400, 401, 403, 404, 410, 501] {
            assert_eq!(seconds(&reply(code, &[]), Method::Get, 1), None, "{code}");
        }
        let busy = reply(503, &[]);
        assert_eq!([1, 2, 3].map(|attempt| seconds(&busy, Method::Get, attempt)), [Some(1), Some(2), None]);
    }

    #[test]
    fn a_server_that_asks_for_an_hour_is_not_waited_for() {
        assert_eq!(seconds(&reply(429, &[("retry-after", "3600")]), Method::Get, 1), None);
        assert_eq!(seconds(&reply(429, &[("retry-after", "7")]), Method::Get, 1), Some(7));
    }

    #[test]
    fn what_may_have_been_written_is_not_written_again() {
        for code in [429, 500, 502, 503, 504] {
            assert_eq!(seconds(&reply(code, &[]), Method::Post, 1), None, "{code}");
        }
        assert_eq!(seconds(&reply(503, &[("retry-after", "1")]), Method::Patch, 1), None);
        for code in [403, 429] {
            assert_eq!(seconds(&reply(code, &[("retry-after", "2")]), Method::Post, 1), Some(2), "{code}");
        }
    }

    #[test]
    fn a_used_up_limit_is_waited_for_until_it_is_filled_again() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:30 GMT");
        let limit = |reset| [date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
        // 784111775 is five seconds after the date.
        for (reset, pause) in [("784111775", Some(5)), ("784119999", None), ("then", None)] {
            let refused = reply(403, &limit(reset));
            assert_eq!(seconds(&refused, Method::Post, 1), pause, "{reset}");
            assert_eq!(refused.unwrap().limited().unwrap().until.is_some(), reset != "then");
        }
        assert_eq!(reply(403, &[date]).unwrap().limited(), None);
        assert_eq!(reply(422, &limit("784111775")).unwrap().limited(), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_beside_the_servers_own() {
        let date = Some("Sun, 06 Nov 1994 08:49:30 GMT");
        assert_eq!(after(Some("120"), None), Some(Duration::from_secs(120)));
        assert_eq!(after(Some("Sun, 06 Nov 1994 08:49:37 GMT"), date), Some(Duration::from_secs(7)));
        assert_eq!(after(Some("Sun, 06 Nov 1994 08:49:00 GMT"), date), Some(Duration::ZERO));
        for text in ["", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(after(Some(text), None), None, "{text}");
        }
    }
}
