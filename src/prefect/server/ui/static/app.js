// What every page loads. Without any of this, every page can be read and every form sent.
import "./elements.js";
import { follow } from "./live.js";
import { start } from "./go.js";
import * as palette from "./palette.js";
import * as send from "./send.js";

start();
follow();
palette.listen();
send.listen();
