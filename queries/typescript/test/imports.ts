import whole from "./whole";
//                ^^^^^^^^^ ./whole | * | whole
import type { Shape } from "./shape";
//            ^^^^^ ./shape | Shape | -
import { one, type Two as Three } from "pkg/sub";
//                 ^^^ pkg/sub | Two | Three
//       ^^^ pkg/sub | one | -
import old = require("./old");
//                   ^^^^^^^ ./old | * | old
export { out } from "./out";
//       ^^^ ./out | out | -
