# embed.awk - pages as C strings: awk -f embed.awk predict.html eval.html > pages.c
#
# Style sheets and programs that a page links to are put in where they are linked; the empty element `data` is where the
# page is cut in two. A page is named after its file. Strings are a line each, since C promises no long ones. A page opens
# in a browser as it is, too, with no data.

# A ? might begin a trigraph.
function quote(line) {
    gsub(/[\\"?]/, "\\\\&", line)
    printf "    \"%s\\n\",\n", line
}

function put_in(name,    path, line, status) {
    path = FILENAME
    sub(/[^\/]*$/, name, path)
    while ((status = (getline line < path)) > 0)
        quote(line)
    close(path)
    if (status < 0) {
        print "cannot read " path > "/dev/stderr"
        failed = 1
        exit 1
    }
}

function end_page() {
    if (page)
        printf "    0};\nconst struct page page_%s = {%s_before, %s_after};\n", page, page, page
}

BEGIN { print "#include \"text/page.h\"" }

FNR == 1 {
    end_page()
    page = FILENAME
    gsub(/.*\/|\.html$/, "", page)
    printf "static const char *const %s_before[] = {\n", page
}

/<link rel="stylesheet"/ || /<script src=/ {
    name = $0
    sub(/.*(href|src)="/, "", name)
    sub(/".*/, "", name)
    is_script = /<script/
    quote(is_script ? "<script>" : "<style>")
    put_in(name)
    quote(is_script ? "</script>" : "</style>")
    next
}

/id="data"/ {
    line = $0
    sub(/<\/script>.*/, "", line)
    quote(line)
    printf "    0};\nstatic const char *const %s_after[] = {\n", page
    quote("</script>")
    next
}

{ quote($0) }

END {
    if (!failed)
        end_page()
}
