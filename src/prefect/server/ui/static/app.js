// What every page loads. Without any of this, every page can be read and every form sent.
import "./elements.js";
import { follow } from "./live.js";
import { start } from "./go.js";

start();
follow();
