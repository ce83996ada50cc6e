//! Types of one name in more than one place: a member of one is none of the others'.

use super::*;

#[tokio::test]
async fn two_types_of_one_name_in_rust() {
    let files = r#"//- src/alpha.rs
pub struct Config;
impl Config {
    pub fn load_all(&self) {}
    fn own(&self, other: &Config) { self.load_all(); other.load_all(); }
}
//- src/beta.rs
pub struct Config;
impl Config { pub fn load_all(&self) {} }
//- src/lib.rs
mod alpha;
mod beta;
mod one;
mod two;
mod both;
//- src/one.rs
use crate::alpha::Config;
fn f(config: &Config) { config.load_all(); Config::load_all(config); }
//- src/two.rs
use crate::beta::Config;
fn f(config: &Config) { config.load_all(); Config::load_all(config); }
//- src/both.rs
use crate::{alpha, beta};
fn f(one: &alpha::Config, two: &beta::Config) { one.load_all(); two.load_all(); any().load_all(); }
"#;
    let several = "more than one type of that name has it";
    let expected = format!(
        "+++ b/src/alpha.rs\n-    fn own(&self, other: &Config) {{ self.load_all(); other.load_all(); }}\n\
        +    fn own(&self, other: &Config) {{ self.load_each(); other.load_each(); }}\n\
        +++ b/src/one.rs\n-fn f(config: &Config) {{ config.load_all(); Config::load_all(config); }}\n\
        +fn f(config: &Config) {{ config.load_each(); Config::load_each(config); }}\n\
        ? src/both.rs:2 {several}\n? src/both.rs:2 {several}\n? src/both.rs:2 {several}\n"
    );
    assert_eq!(carried(files, "fn load_all", "fn load_each").await, expected);
}

#[tokio::test]
async fn two_types_of_one_name_in_python() {
    let files = r#"//- alpha.py
class Config:
    def load_all(self): pass
class State:
    inner: Config
//- beta.py
class Config:
    def load_all(self): pass
class State:
    inner: Config
//- one.py
from alpha import Config, State
class More(Config): pass
def f(config: Config): config.load_all()
def g(state: State): state.inner.load_all()
//- two.py
from beta import Config
class Less(Config): pass
def f(config: Config): config.load_all()
//- three.py
from one import More
from two import Less
def f(more: More): more.load_all()
def g(less: Less): less.load_all()
"#;
    let expected = "+++ b/one.py\n-def f(config: Config): config.load_all()\n+def f(config: Config): config.load_each()\n\
        +++ b/three.py\n-def f(more: More): more.load_all()\n+def f(more: More): more.load_each()\n\
        ? one.py:4 more than one type of that name has it\n";
    assert_eq!(carried(files, "def load_all", "def load_each").await, expected);
}

#[tokio::test]
async fn two_types_of_one_name_in_typescript_and_go() {
    let files = r#"//- src/a/config.ts
export class Config { loadAll() {} }
//- src/b/config.ts
export class Config { loadAll() {} }
//- src/b/use.ts
import { Config } from "./config";
function f(config: Config) { config.loadAll(); }
//- src/one.ts
import { Config } from "./a/config";
function f(config: Config) { config.loadAll(); }
//- src/two.ts
import { Config } from "./b/config";
function f(config: Config) { config.loadAll(); }
"#;
    let expected = "+++ b/src/one.ts\n-function f(config: Config) { config.loadAll(); }\n+function f(config: Config) { config.loadEach(); }\n";
    assert_eq!(carried(files, "loadAll", "loadEach").await, expected);
    let files = r#"//- alpha/alpha.go
package alpha

type Config struct{}

func (c *Config) LoadAll() {}
//- alpha/more.go
package alpha

func more(c *Config) { c.LoadAll() }
//- beta/beta.go
package beta

type Config struct{}

func (c *Config) LoadAll() {}
//- main.go
package main

import "example.com/m/alpha"

func f(c *alpha.Config) { c.LoadAll() }
//- other.go
package main

import "example.com/m/beta"

func g(c *beta.Config) { c.LoadAll() }
//- go.mod
module example.com/m
"#;
    let expected = "+++ b/alpha/more.go\n-func more(c *Config) { c.LoadAll() }\n+func more(c *Config) { c.LoadEach() }\n\
        +++ b/main.go\n-func f(c *alpha.Config) { c.LoadAll() }\n+func f(c *alpha.Config) { c.LoadEach() }\n";
    assert_eq!(carried(files, "LoadAll", "LoadEach").await, expected);
}

/// Variants and associated types that are called like it do not make a type uncertain.
#[tokio::test]
async fn what_is_no_type_of_that_name() {
    let files = r#"//- src/alpha.rs
pub struct Config { pub size: u8 }
impl Config { pub fn load_all(&self) {} }
//- src/beta.rs
pub struct Config;
impl Config { pub fn load_all(&self) {} }
//- src/one.rs
use crate::alpha::Config;
enum Kind { Config(Config) }
trait With { type Config; }
impl With for Kind { type Config = u8; }
fn f(config: &Config, kind: Kind) { if let Kind::Config(_) = kind { config.load_all() } }
"#;
    let expected = "+++ b/src/one.rs\n-fn f(config: &Config, kind: Kind) { if let Kind::Config(_) = kind { config.load_all() } }\n\
        +fn f(config: &Config, kind: Kind) { if let Kind::Config(_) = kind { config.load_each() } }\n";
    assert_eq!(carried(files, "fn load_all", "fn load_each").await, expected);
    let files = "//- src/lib.rs\nenum E { A { xpos: u8 }, B { xpos: u8 } }\nfn f() { let a = E::A { xpos: 1 }; }\n";
    let expected = "+++ b/src/lib.rs\n-fn f() { let a = E::A { xpos: 1 }; }\n+fn f() { let a = E::A { left: 1 }; }\n";
    assert_eq!(carried(files, "xpos", "left").await, expected);
}

/// What extends the changed type stays of its family where another file has a type that is called like it.
#[tokio::test]
async fn a_namesake_of_what_extends_it() {
    let files = r#"//- core.py
class Parameter:
    def error_hint(self): return "x"
class Argument(Parameter):
    def error_hint(self): return "y"
//- errors.py
class BadParameter:
    def __init__(self, param): self.param = param
    def text(self): return self.param.error_hint()
//- parser.py
class Argument:
    def process(self): pass
"#;
    let expected = "+++ b/core.py\n-    def error_hint(self): return \"y\"\n+    def error_prompt(self): return \"y\"\n\
        +++ b/errors.py\n-    def text(self): return self.param.error_hint()\n+    def text(self): return self.param.error_prompt()\n";
    assert_eq!(carried(files, "error_hint", "error_prompt").await, expected);
}
