#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The man pages say what the command's help says, every page is well formed, and the converter keeps what it is given.
set -eu
source=${SHEAF_SOURCE:?}
build=${SHEAF_BUILD:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$source/tools/update-man" "${SHEAF:?}" --check

cat >"$work/sheaf-sample.1.md" <<'M'
# sheaf-sample - a page for the test

<!-- left out -->
## DESCRIPTION

First line with **bold**, *slanted* and `--an-option`.
.dots at a line's head stay text.

Second paragraph: 2 * 3, a back\slash, it's quoted.

## OPTIONS

- `--steps N`: how many
- plain item

    code --with "dashes"
    .code line
M
"$source/tools/make-man" "$work/sheaf-sample.1.md" "$work/sheaf-sample.1" 1.2.3
has() { grep -qxF -- "$1" "$work/sheaf-sample.1" || { echo "missing in the page: $1"; cat "$work/sheaf-sample.1"; exit 1; }; }
has '.TH "SHEAF-SAMPLE" "1" "" "Sheaf 1.2.3" "Sheaf"'
has 'sheaf\-sample \- a page for the test'
has '.SH "DESCRIPTION"'
has 'First line with \fBbold\fR, \fIslanted\fR and \fB\-\-an\-option\fR.'
has '\&.dots at a line\(aqs head stay text.'
has 'Second paragraph: 2 * 3, a back\eslash, it\(aqs quoted.'
has '\fB\-\-steps N\fR'
has 'how many'
has 'plain item'
has 'code \-\-with "dashes"'
has '\&.code line'
if grep -q 'left out' "$work/sheaf-sample.1"; then echo "a comment got into the page"; exit 1; fi

# Every page was made by the build; where groff is there, it must have nothing to complain about.
pages=0
for page in "$source"/docs/man/*.md; do
    made=$build/man/$(basename "$page" .md)
    [ -s "$made" ] || { echo "$made was not made"; exit 1; }
    grep -q '^\.SH "DESCRIPTION"' "$made" || { echo "$page has no description"; exit 1; }
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww "$made" 2>"$work/said" >/dev/null || true
        [ ! -s "$work/said" ] || { echo "$page:"; cat "$work/said"; exit 1; }
    fi
    pages=$((pages + 1))
done
echo "$pages pages"
