//! The one HTTP client: limits, redirects, retries, tokens.
