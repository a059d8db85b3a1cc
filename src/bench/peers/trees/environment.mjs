// The Python that scikit-learn runs in.
import * as python from "../python.mjs";

const place = {
  imports: "sklearn, joblib",
  debian: {
    suite: "trixie",
    purpose: "scikit-learn",
    size: "about two minutes, 430 MB",
    instead: "give python3 scikit-learn and joblib",
    packages: ["python3-sklearn", "python3-joblib", "python3-numpy"],
  },
};

/** @param {string[]} folders as for python.mjs */
export const findPython = (folders) => python.findPython(place, folders);

/** @param {string[]} folders */
export const preparePython = (folders) => python.preparePython(place, folders);
