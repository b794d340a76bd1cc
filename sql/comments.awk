# Turns the "--| text" remarks of a table or view definition into COMMENT ON
# statements behind it, so that meaning stands beside the column it explains.
#   CREATE TABLE oms.x (          --| what a row is
#       col type NOT NULL,        --| what the column means, its unit
#                                 --| (a remark alone on its line goes on)
#   CREATE VIEW oms_bi.v AS       --| ...
#   SELECT a.b AS col,            --| ...
function quoted(s) { gsub(/'/, "''", s); return "'" s "'" }
function emit(   i) {
	for (i = 1; i <= n; i++)
		printf "COMMENT ON %s IS %s;\n", target[i], quoted(text[i])
	n = 0; object = ""
}
{
	line = $0; remark = ""; p = index(line, "--|")
	if (p) { remark = substr(line, p + 3); sub(/^[ \t]+/, "", remark)
		code = substr(line, 1, p - 1) } else code = line
	sub(/[ \t]+$/, "", code)
	if (match(code, /^CREATE (TABLE|VIEW|MATERIALIZED VIEW) +[^ (]+/)) {
		head = substr(code, RSTART, RLENGTH)
		object = head; sub(/^.* /, "", object)
		kind = head; sub(/^CREATE /, "", kind); sub(/ +[^ ]+$/, "", kind)
		n = 0
		if (p) { n = 1; target[1] = kind " " object; text[1] = remark }
	} else if (p && object != "") {
		bare = code; sub(/^[ \t]+/, "", bare)
		if (bare == "") { if (n) text[n] = text[n] " " remark }
		else {
			if (kind == "TABLE") { col = bare; sub(/[ \t].*$/, "", col) }
			else { col = bare; if (col !~ / AS [a-z_0-9]+,?$/) sub(/[ \t]+FROM .*$/, "", col); sub(/,$/, "", col); sub(/^.*[ .]/, "", col) }
			n++; target[n] = "COLUMN " object "." col; text[n] = remark
		}
	}
	print code
	if (object != "" && code ~ /;$/) emit()
}
