//! JavaScript and TypeScript text, cut into what is code and what is not.
//!
//! This is no parser. What a `/` begins is told by the word or sign before it, so a regular expression right after
//! `)` is read as a division; text between JSX tags is read as code, up to a backtick in it. A quote that does not
//! end in its line ends there, so a mistake reaches no further than its line.

/// A piece of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// Any other character that is not white space.
    Sign(char),
    /// A string, template or regular expression.
    Literal,
}

/// The pieces of a text, without comments and white space.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    before: Option<Token<'a>>,
    /// The open braces; whether one belongs to a template.
    braces: Vec<bool>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let rest = source.trim_start_matches('\u{feff}');
        let rest = if rest.starts_with("#!") { &rest[line_end(rest)..] } else { rest };
        Self { rest, before: None, braces: Vec::new() }
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            if self.rest.starts_with("//") {
                self.rest = &self.rest[line_end(self.rest)..];
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
            } else {
                return;
            }
        }
    }

    fn read(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(Token::Word(word));
        }
        let after = &self.rest[first.len_utf8()..];
        self.rest = after;
        match first {
            '"' | '\'' => self.rest = after_string(after, first),
            '`' => self.skip_template(),
            '}' if self.braces.pop() == Some(true) => self.skip_template(),
            '/' if self.may_be_expression() => match after_expression(after) {
                Some(rest) => self.rest = rest,
                None => return Some(Token::Sign('/')),
            },
            _ => {
                if first == '{' {
                    self.braces.push(false);
                }
                return Some(Token::Sign(first));
            }
        }
        Some(Token::Literal)
    }

    /// Reads on to the end of a template, or to the code in it.
    fn skip_template(&mut self) {
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '`' => {
                    self.rest = &self.rest[at + 1..];
                    return;
                }
                '$' if self.rest[at + 1..].starts_with('{') => {
                    self.rest = &self.rest[at + 2..];
                    self.braces.push(true);
                    return;
                }
                _ => {}
            }
        }
        self.rest = "";
    }

    /// Whether a `/` here may begin a regular expression: after a value it divides.
    fn may_be_expression(&self) -> bool {
        match self.before {
            None => true,
            Some(Token::Sign(sign)) => !matches!(sign, ')' | ']'),
            Some(Token::Word(word)) => WORDS_BEFORE_VALUES.contains(&word),
            Some(Token::Literal) => false,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space_and_comments();
        let token = self.read()?;
        // In a template the code begins anew.
        self.before = (self.braces.last() != Some(&true) || token != Token::Literal).then_some(token);
        Some(token)
    }
}

const WORDS_BEFORE_VALUES: &[&str] = &[
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "instanceof",
    "new",
    "do",
    "else",
    "throw",
    "yield",
    "await",
    "default",
];

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn line_end(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// What follows a string; one that is not closed ends with its line.
fn after_string(text: &str, quote: char) -> &str {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\n' => return &text[at..],
            c if c == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// What follows a regular expression, where one ends in this line.
fn after_expression(text: &str) -> Option<&str> {
    let mut chars = text.char_indices();
    let mut in_class = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\n' => return None,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}
