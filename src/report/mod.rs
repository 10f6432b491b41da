//! Everything a run can say, and its renderers: terminal, JSON, Markdown, HTML.
