# SPDX-License-Identifier: Apache-2.0 OR MIT
# list-diagnostics.awk -- of C sources, one a line, each text that they complain with: the string behind
# complain( or mkipc's fail(, or behind an fprintf to the complaints' own stream, as a pattern of grep -E.
{ source = source " " $0 }
function literal(from,	text, piece) {
	text = ""
	while (match(from, /^[ \t]*("([^"\\]|\\.)*"|PRI[a-zA-Z]*[0-9]+)/)) {
		piece = substr(from, RSTART, RLENGTH)
		from = substr(from, RLENGTH + 1)
		sub(/^[ \t]*/, "", piece)
		# After PRIu64 the rest of the directive, which is the letter that it stands for.
		text = text (piece ~ /^PRI/ ? "u" : substr(piece, 2, length(piece) - 2))
	}
	return text
}
function pattern(text) {
	sub(/^%s:%u: error: /, "", text)
	gsub(/\\n$/, "", text)
	gsub(/\\"/, "\"", text)
	gsub(/[][(){}.*+?^$|]/, "\\\\&", text)
	gsub(/%(\\\.\\\*)?[0-9]*(ll|[a-z])?[a-z]/, ".*", text)
	return text
}
END {
	while (match(source, /(complain|fail|fprintf)\([^;"]*"/)) {
		call = substr(source, RSTART, RLENGTH)
		source = substr(source, RSTART + RLENGTH - 1)
		if (call ~ /^fprintf/ && call !~ /diagnostics->out/)
			continue
		text = pattern(literal(source))
		if (text != "")
			print text
	}
}
