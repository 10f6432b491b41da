//! Whether to try again, and when.

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::{HttpError, Options};

/// How long to wait before attempt `attempt + 1`; `None` where there is no point or no attempt left.
pub(super) fn pause(failed: &HttpError, attempt: u32, options: &Options) -> Option<Duration> {
    if attempt >= options.attempts {
        return None;
    }
    let doubled = options.pause.saturating_mul(1 << (attempt - 1).min(16));
    match failed {
        HttpError::Unreachable { .. } => Some(doubled),
        HttpError::Status { status: 429 | 500 | 502 | 503 | 504, retry_after, .. } => {
            let pause = retry_after.map_or(doubled, |asked| asked.max(doubled));
            (pause <= options.longest_pause).then_some(pause)
        }
        _ => None,
    }
}

/// `Retry-After` as a duration: seconds, or a date that is measured against the server's own `Date`,
/// so that no clock of ours is asked. RFC 9110, section 10.2.3.
pub(super) fn after(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let now = rfc2822::parse(date?.trim()).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> HttpError {
        let retry_after = retry_after.map(Duration::from_secs);
        HttpError::Status { url: "https://example.com/".to_owned(), status, retry_after }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let options = Options::default();
        for code in [400, 401, 403, 404, 410, 501] {
            assert_eq!(pause(&status(code, None), 1, &options), None, "{code}");
        }
        assert_eq!(pause(&status(503, None), 1, &options), Some(Duration::from_secs(1)));
        assert_eq!(pause(&status(503, None), 2, &options), Some(Duration::from_secs(2)));
        assert_eq!(pause(&status(503, None), 3, &options), None);
    }

    #[test]
    fn a_server_that_asks_for_an_hour_is_not_waited_for() {
        assert_eq!(pause(&status(429, Some(3600)), 1, &Options::default()), None);
        assert_eq!(pause(&status(429, Some(7)), 1, &Options::default()), Some(Duration::from_secs(7)));
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
