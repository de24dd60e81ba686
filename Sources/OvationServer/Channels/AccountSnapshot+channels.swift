import OvationCore
import OvationWire

extension AccountSnapshot {
    func channelBody(
        _ discriminator: Discriminator<OvationCore.Channel>, for call: Call
    ) throws(Problem) -> Bodies.Channel {
        Bodies.Channel(try catalogue.listedChannel(discriminator), keyspaces: try call.caller().keyspaces)
    }
}
