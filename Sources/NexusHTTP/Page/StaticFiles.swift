extension StaticFile {
    /// The files of `Site` by path.
    ///
    /// SwiftPM embeds each under its name without the folder and lists them nowhere, so each is named here.
    static let all: [String: StaticFile] = {
        var byPath = Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0) })
        byPath["/"] = byPath["/index.html"]
        return byPath
    }()

    private static let files = [
        StaticFile(path: "/api.js", bytes: PackageResources.api_js),
        StaticFile(path: "/app.js", bytes: PackageResources.app_js),
        StaticFile(path: "/chat.js", bytes: PackageResources.chat_js),
        StaticFile(path: "/dom.js", bytes: PackageResources.dom_js),
        StaticFile(path: "/format.js", bytes: PackageResources.format_js),
        StaticFile(path: "/icon.svg", bytes: PackageResources.icon_svg),
        StaticFile(path: "/index.html", bytes: PackageResources.index_html),
        StaticFile(path: "/ledger.js", bytes: PackageResources.ledger_js),
        StaticFile(path: "/markdown.js", bytes: PackageResources.markdown_js),
        StaticFile(path: "/nodes.js", bytes: PackageResources.nodes_js),
        StaticFile(path: "/poll.js", bytes: PackageResources.poll_js),
        StaticFile(path: "/problem.js", bytes: PackageResources.problem_js),
        StaticFile(path: "/sse.js", bytes: PackageResources.sse_js),
        StaticFile(path: "/style.css", bytes: PackageResources.style_css),
        StaticFile(path: "/turn.js", bytes: PackageResources.turn_js),
    ]
}
