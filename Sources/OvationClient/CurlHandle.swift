import CCurl

/// A transfer as libcurl sees it. Only the thread of the connections has one.
final class CurlHandle {
    let easy: UnsafeMutableRawPointer
    let transfer: Transfer
    private let trusted: String?
    private let connectTimeout: Duration
    private var headers: UnsafeMutablePointer<curl_slist>?

    /// - Parameter trusted: file with the certificates that are trusted; nil: those of the system.
    /// - Throws: what cannot be sent.
    init(_ transfer: Transfer, trusting trusted: String?, connectTimeout: Duration) throws(ConnectionFailure) {
        guard let easy = curl_easy_init() else { throw .broken(why: "there is no memory for it") }
        self.easy = easy
        self.transfer = transfer
        self.trusted = trusted
        self.connectTimeout = connectTimeout
        let call = transfer.call
        for header in call.headers {
            guard !header.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                throw .unsendable(header: header.name)
            }
            // A colon without a value would leave the header out.
            headers = curl_slist_append(headers, header.name + (header.value.isEmpty ? ";" : ": " + header.value))
        }
        set(CURLOPT_URL, call.url)
        if let path = call.unixSocket { set(CURLOPT_UNIX_SOCKET_PATH, path) }
        set(CURLOPT_CUSTOMREQUEST, call.method)
        switch call.body {
        case .none:
            if ["POST", "PUT", "PATCH"].contains(call.method) {
                headers = curl_slist_append(headers, "Content-Length: 0")
            }
        case .bytes(let bytes): setBody(bytes.count)
        case .source(let source): setBody(source.size)
        }
        // Bodies are sent at once: a refusal is read while they are.
        headers = curl_slist_append(headers, "Expect:")
        ccurl_set_headers(easy, headers)
        setConnection()
        setAnswer()
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
    }

    private func set(_ option: CURLoption, _ text: String) { ccurl_set_text(easy, option, text) }
    private func set(_ option: CURLoption, _ number: Int) { ccurl_set_number(easy, option, number) }

    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(transfer).toOpaque() }

    private func setBody(_ size: Int?) {
        set(CURLOPT_UPLOAD, 1)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        ccurl_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(size ?? -1))
        ccurl_set_pointer(easy, CURLOPT_READDATA, context)
        // Nothing says how to begin anew, so a body that was sent is never sent again unasked.
        ccurl_set_callback(easy, CURLOPT_READFUNCTION) { bytes, size, count, context in
            let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
            return switch CurlHandle.transfer(context).give(buffer) {
            case .bytes(let count): count
            case .pause: Int(CURL_READFUNC_PAUSE)
            case .failure: Int(CURL_READFUNC_ABORT)
            }
        }
    }

    private func setConnection() {
        ccurl_set_http_only(easy)
        // Paths go as they are, also those with a profile key of two dots.
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(connectTimeout / .milliseconds(1)))
        // A token goes to the address that was named, and nowhere else.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let trusted {
            set(CURLOPT_CAINFO, trusted)
            ccurl_set_text(easy, CURLOPT_CAPATH, nil)
        }
    }

    private func setAnswer() {
        set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
        set(CURLOPT_BUFFERSIZE, 256 << 10)
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlHandle.transfer(context).takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            let part = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return CurlHandle.transfer(context).take(part) ? part.count : Int(CURL_WRITEFUNC_PAUSE)
        }
    }

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Moves again what was paused; what still has to wait pauses itself.
    func goOn() {
        curl_easy_pause(easy, transfer.isReadingPaused ? CURLPAUSE_RECV : CURLPAUSE_CONT)
    }
}

// MARK: - Failures in words

extension CurlHandle {
    func result(_ code: CURLcode) -> Result<Void, any Error> {
        switch code {
        case CURLE_OK: .success(())
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR:
            .failure(ConnectionFailure.untrusted(why: certificateWords))
        case CURLE_SSL_CACERT_BADFILE:
            .failure(ConnectionFailure.unusableCertificates(file: trusted ?? "the system's file of certificates"))
        default: .failure(ConnectionFailure.broken(why: words(code)))
        }
    }

    /// By the numbers of OpenSSL; for other TLS libraries in general. 1 is what stays where libcurl compares the name itself.
    private var certificateWords: String {
        switch ccurl_number(easy, CURLINFO_SSL_VERIFYRESULT) {
        case 0, 1, 62: "it is for another name"
        case 9: "it is not valid yet"
        case 10: "it has expired"
        case 18, 19: "it is self-signed"
        case 2, 20, 21: "nobody who is trusted has signed it"
        default: "it is not valid"
        }
    }

    private func words(_ code: CURLcode) -> String {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: "its name is not known"
        case CURLE_COULDNT_CONNECT: ccurl_system_error(easy).map { String(cString: $0).lowercased() } ?? "no connection"
        case CURLE_OPERATION_TIMEDOUT: "no connection within \(connectTimeout.components.seconds) seconds"
        case CURLE_SSL_CONNECT_ERROR: "it does not speak TLS, or no version that is safe"
        case CURLE_GOT_NOTHING: "it closed the connection without an answer"
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            "it closed the connection before the end"
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: "it does not speak HTTP"
        case CURLE_BAD_CONTENT_ENCODING: "its answer is compressed in a way that cannot be read"
        default: String(cString: curl_easy_strerror(code)).lowercased()
        }
    }
}
