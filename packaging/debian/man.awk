# Makes a man page of a program's help: awk -v name=NAME -v title='...' -v version=... -f man.awk HELP
# Options become a list, what stands below "Usage:" the synopsis, an example stays as it is.
function esc(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); if (s ~ /^[.']/) s = "\\\&" s; return s }
function section(to, heading) { if (at != to) { print verbatim ? ".fi\n.SH " heading : ".SH " heading; verbatim = 0; at = to } }
BEGIN {
    printf ".TH %s 1 \"\" \"Porthole %s\" \"User Commands\"\n.SH NAME\n%s \\- %s\n", toupper(esc(name)), version, esc(name), esc(title)
}
NR == 1 && $0 !~ /^Usage:/ { next }
/^Usage:/ { section("synopsis", "SYNOPSIS"); print ".nf"; verbatim = 1; sub(/^Usage: */, "") ; sub(/^virtiofsd/, name); print esc($0); next }
at == "synopsis" && /^       / { sub(/^ +/, ""); sub(/^virtiofsd/, name); print esc($0); next }
/^ +(-[a-zA-Z], |-o |--)/ {
    section("options", "OPTIONS")
    line = $0; sub(/^ +/, "", line)
    i = match(line, /   */)
    print ".TP\n.B " esc(i ? substr(line, 1, i - 1) : line)
    if (i) { text = substr(line, i); sub(/^ +/, "", text); print esc(text) }
    next
}
/^Example:/ { section("example", "EXAMPLE"); print ".nf"; verbatim = 1; next }
at == "example" { line = $0; sub(/^ +virtiofsd/, "  " name, line); print esc(line); next }
/^Commands:/ { exit } # each has a section of its own
at == "options" && /^ {20}/ { sub(/^ +/, ""); print esc($0); next }
/^$/ { if (at == "text") print ".PP"; next }
{ section("text", "DESCRIPTION"); print esc($0) }
END {
    if (verbatim) print ".fi"
    if (more != "") { while ((getline line < more) > 0) print line }
    print ".SH SEE ALSO\n/usr/share/doc/porthole"
}
