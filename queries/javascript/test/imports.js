import whole from "./whole";
//                ^^^^^^^^^ ./whole | * | whole
import * as space from '../space.js';
//                     ^^^^^^^^^^^^^ ../space.js | * | space
import first, { one, two as three } from "pkg/sub";
//                                       ^^^^^^^^^ pkg/sub | * | first
//              ^^^ pkg/sub | one | -
//                   ^^^ pkg/sub | two | three
import "./effect";
export { out } from "./out";
//       ^^^ ./out | out | -
export * from "./all";
//            ^^^^^^^ ./all | * | -
const fs = require("fs");
//                 ^^^^ fs | * | fs
const { join, sep } = require("node:path");
//      ^^^^ node:path | join | -
//            ^^^ node:path | sep | -
const not = other("x");
