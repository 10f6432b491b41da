//! The wire of the Codex app server: JSON-RPC, one message a line.

use std::path::Path;

use serde_json::{Value, json};

/// The method that only a Codex with Code Mode has.
pub(super) const EXECUTE: &str = "thread/codeMode/execute";

/// The longest text of somebody else's that stands in an error, in characters.
const MAX_TEXT: usize = 600;

/// What an app server says.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// The answer to our request with this id.
    Answer { id: u64, outcome: Result<Value, RpcError> },
    /// Something that it tells.
    Notification { method: String, params: Value },
    /// Something that it wants of us.
    Request { id: Value, method: String },
    /// A line that is no message.
    Noise,
}

/// An error in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    /// `completed`, `failed`, `interrupted`; empty where the server does not say.
    pub(super) status: String,
    /// Why, where the server says.
    pub(super) error: Option<String>,
}

impl Turn {
    /// Whether it did not end as it should.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "interrupted") || self.error.is_some()
    }
}

impl Incoming {
    /// Reads a line. A message may come without `jsonrpc`, and with what is no UTF-8 in a text of a command's: an
    /// answer that was passed over for that would be waited for in vain.
    pub(super) fn parse(line: &[u8]) -> Self {
        let Ok(Value::Object(mut message)) = serde_json::from_str(&String::from_utf8_lossy(line)) else {
            return Self::Noise;
        };
        let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
        match (message.remove("id"), method) {
            (Some(id), Some(method)) => Self::Request { id, method },
            (None, Some(method)) => {
                Self::Notification { method, params: message.remove("params").unwrap_or_default() }
            }
            (Some(id), None) => {
                let Some(id) = id.as_u64() else { return Self::Noise };
                let error = message.remove("error").filter(|error| !error.is_null());
                match (error, message.remove("result")) {
                    (Some(error), _) => Self::Answer { id, outcome: Err(RpcError::of(&error)) },
                    (None, Some(result)) => Self::Answer { id, outcome: Ok(result) },
                    (None, None) => Self::Noise,
                }
            }
            (None, None) => Self::Noise,
        }
    }
}

impl RpcError {
    fn of(error: &Value) -> Self {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        let message =
            error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
        Self { code, message }
    }

    /// Whether this, in answer to [`EXECUTE`], says that the server does not know the method. There is a code for
    /// that, but Codex takes a method that it does not know for an invalid request, and only its words say so.
    pub(super) fn is_unknown_method(&self) -> bool {
        const METHOD_NOT_FOUND: i64 = -32601;
        self.code == METHOD_NOT_FOUND
            || self.message.contains(&format!("unknown variant `{EXECUTE}`"))
            || self.message.to_lowercase().contains("method not found")
    }
}

/// A request.
pub(super) fn request(id: u64, method: &str, params: &Value) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

/// A notification without parameters.
pub(super) fn notification(method: &str) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "method": method }))
}

/// The answer to a server's request: there is nobody here to ask.
pub(super) fn refusal(id: &Value) -> Vec<u8> {
    let error = json!({ "code": -32603, "message": "flow runner does not handle server requests" });
    line(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn line(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}

/// The parameters of `initialize`.
pub(super) fn initialize() -> Value {
    json!({
        "clientInfo": { "name": "codex-flow-runner", "title": "Codex Flow Runner", "version": "0.1.0" },
        "capabilities": { "experimentalApi": true },
    })
}

/// The parameters of `thread/start`.
pub(super) fn thread_start(cwd: &Path) -> Value {
    json!({
        "cwd": cwd.display().to_string(),
        "approvalPolicy": "never",
        "sandbox": "danger-full-access",
        "ephemeral": false,
        "experimentalRawEvents": false,
        "persistExtendedHistory": true,
    })
}

/// The thread that `thread/start` answers with.
pub(super) fn started_thread(answer: &Value) -> Option<String> {
    answer["thread"]["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// How the turn of a `turn/completed` for `thread` ended.
pub(super) fn completed_turn(params: &Value, thread: &str) -> Option<Turn> {
    if params["threadId"] != thread {
        return None;
    }
    let turn = &params["turn"];
    let error = &turn["error"];
    let message = error["message"].as_str().or(error.as_str()).map(str::to_owned);
    let more = error["additionalDetails"].as_str().filter(|more| !more.trim().is_empty());
    let error = match (message, more) {
        (Some(message), Some(more)) => Some(format!("{message}: {more}")),
        (None, None) if error.is_null() => None,
        (None, None) => Some(error.to_string()),
        (message, more) => message.or(more.map(str::to_owned)),
    };
    Some(Turn { status: turn["status"].as_str().unwrap_or_default().to_owned(), error })
}

/// What a notification adds to the thread's output.
pub(super) fn delta<'a>(method: &str, params: &'a Value, thread: &str) -> Option<&'a str> {
    let adds = matches!(method, "item/agentMessage/delta" | "item/commandExecution/outputDelta");
    if !adds || params["threadId"] != thread {
        return None;
    }
    params["delta"].as_str()
}

/// What a notification tells a person who reads the log: of our thread, or of none.
pub(super) fn remark(method: &str, params: &Value, thread: Option<&str>) -> Option<String> {
    let foreign = params["threadId"].as_str().is_some_and(|id| Some(id) != thread);
    if foreign || !matches!(method, "error" | "warning" | "configWarning" | "deprecationNotice") {
        return None;
    }
    let said = ["message", "summary"].iter().find_map(|key| params[*key].as_str());
    let said = said.or_else(|| params["error"]["message"].as_str())?;
    Some(format!("codex {method}: {}", short(said)))
}

/// The texts of all messages of the thread that `thread/read` answers with, one below the other.
pub(super) fn messages(answer: &Value) -> String {
    let turns = answer["thread"]["turns"].as_array().map_or(&[][..], Vec::as_slice);
    let items = turns.iter().filter_map(|turn| turn["items"].as_array()).flatten();
    let texts = items.filter(|item| item["type"] == "agentMessage").filter_map(|item| item["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The beginning of somebody else's text, on one line.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Incoming {
        Incoming::parse(text.as_bytes())
    }

    #[test]
    fn every_kind_of_message_is_known_with_and_without_its_version() {
        let answer = Incoming::Answer { id: 1, outcome: Ok(json!({})) };
        assert_eq!(parse(r#"{"id":1,"result":{}}"#), answer);
        assert_eq!(parse(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#), answer);
        let Incoming::Answer { outcome: Err(error), .. } =
            parse(r#"{"id":1,"error":{"code":-1,"message":"m"}}"#)
        else {
            panic!()
        };
        assert_eq!(error, RpcError { code: -1, message: "m".to_owned() });
        assert_eq!(
            parse(r#"{"id":"a","method":"m","params":{}}"#),
            Incoming::Request { id: json!("a"), method: "m".to_owned() }
        );
        assert_eq!(
            parse(r#"{"method":"m"}"#),
            Incoming::Notification { method: "m".to_owned(), params: Value::Null }
        );
        for noise in ["", "hello", "[1]", "7", "{}", r#"{"id":1}"#, r#"{"id":"x","result":1}"#, "{\"id\":1,"]
        {
            assert_eq!(parse(noise), Incoming::Noise, "{noise}");
        }
    }

    #[test]
    fn an_answer_with_broken_characters_is_an_answer() {
        let answer = Incoming::parse(b"{\"id\":1,\"result\":\"a\xff\"}");
        assert_eq!(answer, Incoming::Answer { id: 1, outcome: Ok(json!("a\u{fffd}")) });
    }

    #[test]
    fn a_codex_without_code_mode_is_known_by_its_answer() {
        for (code, message, lacks) in [
            (-32601, "whatever", true),
            (-32600, "Invalid request: unknown variant `thread/codeMode/execute`, expected one of `a`", true),
            (-32600, "Method not found", true),
            (-32600, "unknown variant `danger`, expected `read-only`", false),
            (-32600, "thread not found: thread/codeMode/execute", false),
        ] {
            assert_eq!(
                RpcError { code, message: message.to_owned() }.is_unknown_method(),
                lacks,
                "{message}"
            );
        }
    }

    #[test]
    fn a_turn_counts_for_its_own_thread_and_says_why_it_failed() {
        let params = json!({"threadId": "t", "turn": {"status": "failed", "error":
            {"message": "no model", "additionalDetails": "429"}}});
        assert_eq!(completed_turn(&params, "other"), None);
        let turn = completed_turn(&params, "t").unwrap();
        assert!(turn.is_bad());
        assert_eq!(turn.error.as_deref(), Some("no model: 429"));
        let turn =
            completed_turn(&json!({"threadId": "t", "turn": {"status": "completed", "error": null}}), "t");
        assert!(!turn.unwrap().is_bad());
        // An older server says no more than that the turn is over.
        assert!(!completed_turn(&json!({"threadId": "t"}), "t").unwrap().is_bad());
    }

    #[test]
    fn what_another_thread_says_is_not_ours() {
        let params = json!({"threadId": "t", "delta": "x"});
        assert_eq!(delta("item/agentMessage/delta", &params, "t"), Some("x"));
        assert_eq!(delta("item/commandExecution/outputDelta", &params, "t"), Some("x"));
        assert_eq!(delta("item/agentMessage/delta", &params, "u"), None);
        assert_eq!(delta("item/reasoning/delta", &params, "t"), None);
        assert_eq!(remark("warning", &json!({"threadId": "u", "message": "m"}), Some("t")), None);
        assert_eq!(
            remark("warning", &json!({"threadId": "t", "message": "m\nn"}), Some("t")).as_deref(),
            Some("codex warning: m n")
        );
        assert!(remark("configWarning", &json!({"summary": "s"}), None).is_some());
    }

    #[test]
    fn the_messages_of_all_turns_are_read_and_nothing_else_of_them() {
        let answer = json!({"thread": {"turns": [
            {"items": [{"type": "agentMessage", "text": "one"}, {"type": "userMessage", "text": "no"}]},
            {},
            {"items": [{"type": "agentMessage", "text": "two"}, {"type": "agentMessage"}]},
        ]}});
        assert_eq!(messages(&answer), "one\ntwo");
        assert_eq!(messages(&json!(7)), "");
    }

    #[test]
    fn what_goes_out_is_what_codex_flows_sent() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(request(1, "initialize", &initialize())),
            concat!(
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"name":"codex-flow-runner","#,
                r#""title":"Codex Flow Runner","version":"0.1.0"},"capabilities":{"experimentalApi":true}}}"#
            )
        );
        assert_eq!(text(notification("initialized")), r#"{"jsonrpc":"2.0","method":"initialized"}"#);
        assert_eq!(
            text(request(2, "thread/start", &thread_start(Path::new("/flow")))),
            concat!(
                r#"{"jsonrpc":"2.0","id":2,"method":"thread/start","params":{"cwd":"/flow","approvalPolicy":"never","#,
                r#""sandbox":"danger-full-access","ephemeral":false,"experimentalRawEvents":false,"#,
                r#""persistExtendedHistory":true}}"#
            )
        );
        assert_eq!(
            text(refusal(&json!("q"))),
            concat!(
                r#"{"jsonrpc":"2.0","id":"q","error":{"code":-32603,"#,
                r#""message":"flow runner does not handle server requests"}}"#
            )
        );
    }
}
