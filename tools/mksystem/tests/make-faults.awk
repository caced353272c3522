# SPDX-License-Identifier: Apache-2.0 OR MIT
# make-faults.awk -- writes the manifests of a table of faults: awk -v folder=TO -f THIS BASE... TABLE
#
#	case BASE NAME		NAME.system is made from BASE.system by what follows
#	12: TEXT		line 12 becomes TEXT
#	12+ TEXT		TEXT comes behind line 12
#	12* 99 TEXT		so many times, each @N in it the number of the time, \n a new line
#	12-			line 12 goes;  12-19-  so do all of these
#	file OTHER TEXT		one more line of another file, OTHER
#	file* OTHER 99 TEXT	so many
#	expect 12: TEXT		what the tool says of line 12: all of these, and nothing else
#	expect OTHER:3: TEXT	of a line of another file
#
# NAME.expect is what the tool prints.  Line numbers are those of BASE, and edits stand in their order.
function write_case(	i) {
	if (name == "")
		return
	for (i = 1; i <= count[base]; i++) {
		if (!((base, i) in gone))
			print (i in changed) ? changed[i] : lines[base, i] > (folder "/" name ".system")
		if (i in added)
			printf "%s", added[i] > (folder "/" name ".system")
	}
	printf "%s", expected > (folder "/" name ".expect")
	close(folder "/" name ".system")
	close(folder "/" name ".expect")
	print name
}
function rest(n,	text) {
	text = $0
	while (n-- > 0)
		sub(/^[^ ]* ?/, "", text)
	return text
}
function times(n, text,	i, one, all) {
	gsub(/\\n/, "\n", text)
	for (i = 0; i < n; i++) {
		one = text
		gsub(/@N/, i, one)
		all = all one "\n"
	}
	return all
}
FILENAME ~ /\.system$/ {
	base = FILENAME
	sub(/.*\//, "", base)
	sub(/\.system$/, "", base)
	lines[base, FNR] = $0
	count[base] = FNR
	next
}
FNR == 1 { base = name = "" }
/^#/ || /^$/ { next }
$1 == "case" {
	write_case()
	base = $2
	name = $3
	expected = ""
	split("", gone)
	split("", changed)
	split("", added)
	if (!(base in count) || name in seen)
		exit 1
	seen[name]
	next
}
$1 == "file" { print rest(2) > (folder "/" $2); next }
$1 == "file*" { printf "%s", times($3, rest(3)) > (folder "/" $2); next }
$1 == "expect" && $2 ~ /^[0-9]+:$/ {
	expected = expected name ".system:" $2 " error: " rest(2) "\n"
	next
}
$1 == "expect" { expected = expected $2 " error: " rest(2) "\n"; next }
$1 ~ /^[0-9]+:$/ { changed[$1 + 0] = rest(1); next }
$1 ~ /^[0-9]+\+$/ { added[$1 + 0] = added[$1 + 0] rest(1) "\n"; next }
$1 ~ /^[0-9]+\*$/ {
	added[$1 + 0] = added[$1 + 0] times($2, rest(2))
	next
}
$1 ~ /^[0-9]+-([0-9]+-)?$/ {
	split($1, range, "-")
	for (i = range[1] + 0; i <= (range[2] == "" ? range[1] : range[2]) + 0; i++)
		gone[base, i]
	next
}
{ print FILENAME ":" FNR ": not understood: " $0 > "/dev/stderr"; exit 1 }
END { write_case() }
