//! Whether a script exports a handler, or runs by itself.

use super::tokens::{Token, Tokens};

/// Whether the script is written in module style: it has a default export, or calls `defineBunFlow`. Comments,
/// strings and regular expressions say nothing about it. A default export of a type alone is none.
pub(super) fn is_module(source: &str) -> bool {
    let mut tokens = Tokens::new(source).peekable();
    let mut before = Token::Literal;
    while let Some(token) = tokens.next() {
        let is = match token {
            Token::Word("export") if before != Token::Sign('.') => exports_default(&mut tokens),
            Token::Word("defineBunFlow") if before != Token::Word("function") => {
                tokens.peek() == Some(&Token::Sign('('))
            }
            _ => false,
        };
        if is {
            return true;
        }
        before = token;
    }
    false
}

/// Whether what stands after `export` is or names a default export.
fn exports_default<'a>(tokens: &mut std::iter::Peekable<impl Iterator<Item = Token<'a>>>) -> bool {
    match tokens.peek() {
        Some(Token::Word("default")) => {
            tokens.next();
            !matches!(tokens.peek(), None | Some(Token::Word("interface") | Token::Sign(':' | ',' | '=')))
        }
        Some(Token::Sign('{')) => {
            let mut last = Token::Literal;
            for token in tokens {
                match token {
                    Token::Sign(',' | '}') if last == Token::Word("default") => return true,
                    Token::Sign('}') => return false,
                    other => last = other,
                }
            }
            false
        }
        Some(Token::Sign('*')) => {
            tokens.next();
            tokens.next_if_eq(&Token::Word("as")).is_some()
                && tokens.next_if_eq(&Token::Word("default")).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_only_look_like_an_export_make_no_module() {
        for source in [
            "",
            "// export default is not enough in a comment",
            "/* export default\n defineBunFlow( */ console.log(1)",
            "console.log('export default', \"as default\", 'defineBunFlow(')",
            "console.log(`export default ${`export default ${1}`} export default`)",
            "const re = /export default \\/ [/]export default/; x",
            "if (a) return /export default/.test(s)",
            "const half = total / 2; // export default\nconst b = half / 3",
            "it's broken, export only\nbut the next line is read",
            "#!/usr/bin/env export default\n1",
            "export defaults",
            "reexport default",
            "exportdefault",
            "switch (x) { default: }",
            "function defineBunFlow(handler) { return handler }",
            "defineBunFlowX(1); myDefineBunFlow; _defineBunFlow(1); $defineBunFlow(1)",
            "export const a = 1",
            "export { a, b as c }",
            "export { default as inner } from './x.js'",
            "import { default as x } from './x.js'",
            "export default interface Options { a: 1 }",
            "a.export; default_",
            "const o = { export: 1, default: 2 }",
        ] {
            assert!(!is_module(source), "{source}");
        }
    }

    #[test]
    fn every_form_of_a_default_export_makes_a_module() {
        for source in [
            "export default async (context) => {}",
            "export /* the handler */ default\nfunction f() {}",
            "export {\n  handler as\n\tdefault\n}",
            "export { a, handler as default, b }",
            "export { default } from './handler.ts'",
            "export * as default from './handler.ts'",
            "defineBunFlow  (x)",
            "const f = flows.defineBunFlow(x)",
            "const text = `a ${b ? `}` : '}'} c`; export default f",
            "const re = /[\"'`/]/g; export default f",
            "const a = 1 / 2; const s = \"/\"; export default f",
            "const a = (b) / 2 + '`'.length; export default f",
            "it's\nexport default f",
            "\u{feff}export default f",
            "#!/usr/bin/env bun\nexport default f",
            "const größe = 'ä'; export default größe",
        ] {
            assert!(is_module(source), "{source}");
        }
    }

    #[test]
    fn no_text_makes_it_stumble() {
        for source in
            ["`", "`${", "`${`", "/", "/*", "'", "\"\\", "`\\", "/[", "}", "}`", "${", "export", "export {"]
        {
            assert!(!is_module(source), "{source}");
        }
        assert!(!is_module(&"`${".repeat(100_000)));
    }
}
