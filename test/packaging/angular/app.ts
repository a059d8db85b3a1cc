// Angular names its entry main.js in the page, as the script is named here that every project runs.
import "./main.js";
