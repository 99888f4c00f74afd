extension String {
    /// At most 200 characters of it, and none that controls a terminal: a file's names come from strangers.
    package var printable: String {
        let scalars = unicodeScalars.prefix(200).map { scalar in
            [.control, .format].contains(scalar.properties.generalCategory) ? "\u{FFFD}" : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
