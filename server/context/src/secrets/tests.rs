//! What is masked, and what must not be.

use super::*;

/// Each line with the secret in it; none of them is real.
const PLANTED: [(&str, &str); 55] = [
    ("key = \"{}\"", "AKIAIOSFODNN7EXAMPLE"),
    ("auth(\"{}\")", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("const stripe = '{}';", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    ("client(\"{}\")", "sk-proj-abcdefghij0123456789ABCDEFGHIJ"),
    ("password = \"{}\"", "hunter2!"),
    ("  \"db_password\": \"{}\",", "correct-horse"),
    ("secret: '{}'", "swordfish"),
    ("let api_key = \"{}\";", "abcd1234efgh5678"),
    ("export DB_PASSWORD={}", "pa55word-of-mine"),
    ("url = \"postgres://app:{}@db:5432/x\"", "s3cr3tpw"),
    ("jwt(\"{}\")", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"),
    ("{}", "MIIEowIBAAKCAQEAvQn8Z3kR9tX2Lb7wPqY5sD1fGhJ4kL6mN8oP0qR2sT4uV6wX"),
    ("sign(\"{}\")", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("token = '{}'", "Zx8Qp2Lk9Vb4Nm7Rt1Ws"),
    ("const DB_PASSWORD: &str = \"{}\";", "hunter2xyz"),
    ("const DB_PASSWORD: &'static str = \"{}\";", "hunter2xyz"),
    ("password: str = \"{}\"", "hunter2xyz"),
    ("def connect(password: str | None = \"{}\"):", "hunter2xyz"),
    ("private readonly password: string = '{}';", "hunter2xyz"),
    ("val password: String = \"{}\"", "hunter2xyz"),
    ("let dbPassword: String? = \"{}\"", "hunter2xyz"),
    ("var dbPassword string = \"{}\"", "hunter2xyz"),
    ("static const char password[] = \"{}\";", "hunter2xyz"),
    ("const API_TOKEN: &str = \"{}\";", "abcd1234efgh5678"),
    ("os.environ[\"DB_PASSWORD\"] = \"{}\"", "hunter2xyz"),
    ("PASSWORD={}", "hunter2xyz"),
    ("TOKEN={}", "a1b2c3d4e5"),
    ("export API_KEY={}", "a1b2c3d4e5"),
    ("export TOKEN=\"{}\"", "a1b2c3d4"),
    ("+export DB_PASSWORD={}", "pa55word-of-mine"),
    ("-  DB_PASSWORD={}", "pa55word-of-mine"),
    ("docker run -e DB_PASSWORD={} image", "hunter2xyz"),
    ("passphrase = \"{}\"", "correct horse battery staple"),
    ("  password: \"{}\",", "my dog is 12"),
    ("password = \"{}\"", "it's-secret99"),
    ("password = '{}'", "say \"please\" 99"),
    ("POSTGRES_PASSWORD: {}", "mysecretpassword"),
    ("      - POSTGRES_PASSWORD={}", "hunter2xyz"),
    ("      - \"POSTGRES_PASSWORD={}\"", "hunter2xyz"),
    ("ENV DB_PASSWORD={}", "hunter2xyz"),
    ("ENV A=b DB_PASSWORD={}", "hunter2xyz"),
    ("spring.datasource.password={}", "hunter2xyz"),
    ("spring.datasource.password={}", "hunter2.xyz"),
    ("  password: {}", "hunter2xyz"),
    ("password={}", "hunter2xyz"),
    ("mysql --password={} shop", "hunter2xyz"),
    ("DB_PASS={}", "hunter2xyz"),
    ("DB_PASS = {}", "hunter2xyz"),
    ("DB_PASSWORD = {}", "supersecret"),
    ("pass: \"{}\",", "hunter2xyz"),
    ("smtpPass: '{}',", "hunter2xyz"),
    ("\"Server=db;Database=x;User Id=sa;Password={};\"", "swordfish"),
    ("\"Password={};Server=db\"", "swordfish"),
    ("url = \"jdbc:mysql://db/x?user=app&password={}\"", "swordfish"),
    ("\"host=db user=app password={} dbname=x\"", "hunter2xyz"),
];

#[test]
fn what_is_secret_is_masked_at_its_length() {
    for (line, secret) in PLANTED {
        let text = format!("before();\n{}\nafter();\n", line.replace("{}", secret));
        let masked = masked(&text);
        assert!(!masked.contains(secret), "{masked}");
        assert_eq!(masked.len(), text.len());
        assert!(masked.starts_with("before();\n") && masked.ends_with("\nafter();\n"), "{masked}");
        assert_eq!(super::masked(&masked), masked, "a mask is no secret");
    }
}

#[test]
fn code_is_left_alone() {
    for text in [
        "let window = Window::around(snapshot, cursor..cursor, budget, head, counter);",
        "fn the_same_project_has_the_same_key_in_every_client() {",
        "use pilotlight_context::{Budget, HttpServerConnectionPoolManagerFactory2};",
        "https://docs.rs/tree-sitter/0.27.1/tree_sitter/struct.Parser.html#method.parse_with_options",
        "let token = tokens.next();",
        "errors.password = \"Must be at least 8 characters\"",
        "  \"password\": \"Mot de passe\",",
        "ClientApplicationTrafficSecret => b\"c ap traffic\",",
        "case TOKEN_PLUS: name = \"plus_operator\";",
        "if password: self.mode = \"basic-auth\"",
        "const TOKENS: &str = \"tokenizer.ggml.tokens\";",
        "const TOKEN: &str = \"pilotlight/index\";",
        "  privateKey: Uint8Array",
        "  private_key: Ed25519PrivateKey",
        "connect(user, password=password1)",
        "    SECRET_KEY: SecretStr",
        "API_KEY: required",
        "TOKEN_EOF = EndOfFile",
        "f(A=1, SECRET_KEY=secret_key)",
        "    SECRET_KEY=secret_key,",
        "PASSWORD_RESET_TIMEOUT = 259200",
        "OAUTH_TOKEN_URL: https://example.org/token",
        "const PASS = 'passed';",
        "renderPass: \"shadow-pass\",",
        "token_counter: &dyn TokenCounter,",
        "const IMPORTANT_LONG_CONSTANT_NAME_2: usize = 0;",
        "password: &str, secret: Option<String>,",
        "let id = \"550e8400-e29b-41d4-a716-446655440000\";",
        "server/context/src/family/qwen2_5_coder.rs:128:44-server/engine/src/weights/gguf.rs",
        "password = get_password()",
        "PASSWORD = get_password()",
        "PASSWORD=get_password()",
        "SECRET_KEY = secret_key",
        "SECRET = secrets.token_hex(16)",
        "PASSWORD = default_password",
        "API_KEY = os.environ[\"API_KEY\"]",
        "API_KEY = settings.API_KEY",
        "    TOKEN: process.env.TOKEN,",
        "  API_KEY: string;",
        "  API_KEY: string",
        "    TOKEN: tokenValue,",
        "token: &str",
        "fn parse(token: &str, password: &'a str) -> Token {",
        "let token = tokens[i];",
        "token = tokens[position2]",
        "self.password=password2,",
        "    password=password1,",
        "    secret: Secret2,",
        "PASSWORD=$1",
        "PASSWORD=\"${2:-}\"",
        "DB_PASSWORD={{ password }}",
        "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}",
        "TOKENS = 1000000",
        "TOKEN_FILE=/run/secrets/token",
        "pass: bool",
        "bypass: \"everything\"",
        "COMPASS=northwest",
        "token == \"x\"",
        "if password == \"hunter22\" {",
        "if token != \"identifier-like\" {",
        "answer = input(\"Password: \").strip()",
        "println!(\"password: {}\", password);",
        "print(\"secret: \", hidden.value, \"of\", name)",
        "password_hint: \"Something that you remember\",",
        "    password: \"Please enter your password\",",
        "sql(\"... WHERE user=? AND password=?\", user)",
        "\"?user={}&password={}\"",
        "url += \"&token=\" + token",
        "PWD=/home/user1",
        "assert_eq!(parse(\"getElementsByClassName\"), getElementsByClassName2AndAllOthers3);",
    ] {
        assert!(matches!(masked(text), Cow::Borrowed(_)), "{}", masked(text));
    }
}

#[test]
fn every_line_of_a_text_is_looked_at() {
    let text = "a\nexport DB_PASSWORD=pa55word-of-mine\n";
    let found = secrets(text);
    assert_eq!(found.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>(), ["pa55word-of-mine"]);
    assert_eq!(secrets("a\r\n+PASSWORD=hunter2xyz\r\nb").len(), 1);
}
