use std::sync::Arc;

use super::*;

/// A stream that a test can read afterwards, or that fails.
#[derive(Clone, Default)]
struct Pipe {
    text: Arc<Mutex<Vec<u8>>>,
    fails: Option<io::ErrorKind>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.fails {
            Some(kind) => Err(kind.into()),
            None => self.text.lock().unwrap().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pipe {
    fn read(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

fn ui(options: Options) -> (Ui, Pipe, Pipe) {
    let (out, err) = (Pipe::default(), Pipe::default());
    (Ui::with(options, Box::new(out.clone()), Box::new(err.clone())), out, err)
}

#[test]
fn a_reader_who_went_away_is_no_failure() {
    let gone = Pipe { fails: Some(io::ErrorKind::BrokenPipe), ..Pipe::default() };
    let ui = Ui::with(Options::default(), Box::new(gone), Box::new(Pipe::default()));
    ui.out("text");
    assert!(ui.finish().is_ok());
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = Pipe { fails: Some(io::ErrorKind::StorageFull), ..Pipe::default() };
    let ui = Ui::with(Options::default(), Box::new(full), Box::new(Pipe::default()));
    ui.out("text");
    assert_eq!(ui.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn with_json_standard_output_holds_one_document_and_nothing_else() {
    let (ui, out, err) = ui(Options { json: true, ..Options::default() });
    ui.out("for people");
    ui.note("note");
    ui.json(&serde_json::json!({ "a": "\u{1b}[31m" }));
    assert_eq!(out.read(), "{\n  \"a\": \"\\u001b[31m\"\n}\n");
    assert_eq!(err.read(), "for people\nnote\n");
}

#[test]
fn a_json_document_keeps_every_letter_and_steers_nothing() {
    let (ui, out, _) = ui(Options { json: true, ..Options::default() });
    let words = "a\u{7f}\u{9b}31m\u{202e}\u{e0041} ##[error]x \u{1b}[31m é\n";
    ui.json_line(&words);
    let text = out.read();
    assert_eq!(text, "\"a\\u007f\\u009b31m\\u202e\\udb40\\udc41 #\\u0023[error]x \\u001b[31m é\\n\"\n");
    assert_eq!(serde_json::from_str::<String>(&text).unwrap(), words);
}

#[test]
fn an_error_says_what_happened_why_and_what_to_do() {
    let (ui, out, err) = ui(Options::default());
    ui.error("cannot read \u{1b}[2Jx", &["no such file".to_owned()], &["look\r\n::error::".to_owned()]);
    assert_eq!(out.read(), "");
    assert_eq!(
        err.read(),
        "error: cannot read \\u{1b}[2Jx\n  cause: no such file\n  hint: look\\r\\n::error::\n"
    );
}

#[test]
fn quiet_keeps_warnings_and_drops_notes() {
    let (ui, _, err) = ui(Options { quiet: true, ..Options::default() });
    ui.note("note");
    ui.warn("warning");
    assert_eq!(err.read(), "warning: warning\n");
}

#[test]
fn colour_follows_the_flag_then_no_color_then_the_stream() {
    let set = |value: &str| Some(value.to_owned());
    for (color, no_color, term, terminal, ci, coloured) in [
        (ColorWhen::Auto, None, None, true, false, true),
        (ColorWhen::Auto, None, None, false, false, false),
        (ColorWhen::Auto, None, None, false, true, true),
        (ColorWhen::Auto, set("1"), None, true, false, false),
        (ColorWhen::Auto, set(""), None, true, false, true),
        (ColorWhen::Auto, None, set("dumb"), true, false, false),
        (ColorWhen::Always, set("1"), None, false, false, true),
        (ColorWhen::Never, None, None, true, false, false),
    ] {
        let case = format!("{color:?} {no_color:?} {term:?} {terminal} {ci}");
        let options = Options { color, no_color, term, out_is_terminal: terminal, ci, ..Options::default() };
        let (ui, out, _) = ui(options);
        ui.out(&format!("{ERROR}x{ERROR:#}"));
        assert_eq!(out.read().contains('\u{1b}'), coloured, "{case}");
    }
}

#[test]
fn the_look_follows_the_terminal_and_the_locale() {
    let terminal = Options { out_is_terminal: true, width: Some(10), ..Options::default() };
    assert_eq!(terminal.look(), Look { width: 40, ascii: false, verbose: false });
    let file = Options { width: Some(10), locale: Some("C".to_owned()), verbose: 1, ..Options::default() };
    assert_eq!(file.look(), Look { width: 120, ascii: true, verbose: true });
}

#[test]
fn progress_is_for_a_person_at_a_terminal() {
    let at_terminal = || Options { err_is_terminal: true, ..Options::default() };
    for (options, shown) in [
        (at_terminal(), true),
        (Options { ci: true, ..at_terminal() }, false),
        (Options { quiet: true, ..at_terminal() }, false),
        (Options { term: Some("dumb".to_owned()), ..at_terminal() }, false),
        (Options::default(), false),
    ] {
        assert_eq!(options.shows_progress(), shown, "{options:?}");
    }
}

#[test]
fn words_may_be_said_while_work_is_under_way() {
    let (ui, out, err) = ui(Options { err_is_terminal: true, color: ColorWhen::Never, ..Options::default() });
    {
        let progress = ui.progress("carrying", None);
        progress.of(240);
        progress.at(12);
        ui.out("said");
    }
    assert!(ui.lock().progress.is_none());
    assert_eq!((out.read().as_str(), err.read().as_str()), ("said\n", ""));
}
